"""The chain of FastAPI's tutorial "OAuth2 with Password (and hashing), Bearer with JWT tokens", as it stands there but for the
hashing and for types that were left out; its users' passwords are not asked for. `app` is the tutorial's, with a hub mounted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer
from jwt.exceptions import InvalidTokenError
from pydantic import BaseModel

from hubstream import Hub, HubServer

SECRET_KEY = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"
ALGORITHM = "HS256"

fake_users_db = {
    "johndoe": {"username": "johndoe", "full_name": "John Doe", "email": "johndoe@example.com", "disabled": False},
    "alice": {"username": "alice", "full_name": "Alice Wonderson", "email": "alice@example.com", "disabled": True},
}


class TokenData(BaseModel):
    username: str | None = None


class User(BaseModel):
    username: str
    email: str | None = None
    full_name: str | None = None
    disabled: bool | None = None


oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")

app = FastAPI()


def get_user(db: dict[str, Any], username: str | None) -> User | None:
    if username in db:
        user_dict = db[username]
        return User(**user_dict)
    return None


def create_access_token(data: dict[str, Any], expires_delta: timedelta | None = None) -> str:
    to_encode = data.copy()
    expire = datetime.now(UTC) + (expires_delta if expires_delta is not None else timedelta(minutes=15))
    to_encode.update({"exp": expire})
    return jwt.encode(to_encode, SECRET_KEY, algorithm=ALGORITHM)  # pyright: ignore[reportUnknownMemberType] - its keys may be those of a package that is not here


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> User:
    credentials_exception = HTTPException(
        status_code=status.HTTP_401_UNAUTHORIZED,
        detail="Could not validate credentials",
        headers={"WWW-Authenticate": "Bearer"},
    )
    try:
        payload = jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM])  # pyright: ignore[reportUnknownMemberType] - its keys may be those of a package that is not here
        username = payload.get("sub")
        if username is None:
            raise credentials_exception
        token_data = TokenData(username=username)
    except InvalidTokenError:
        raise credentials_exception from None
    user = get_user(fake_users_db, username=token_data.username)
    if user is None:
        raise credentials_exception
    return user


async def get_current_active_user(current_user: Annotated[User, Depends(get_current_user)]) -> User:
    if current_user.disabled:
        raise HTTPException(status_code=400, detail="Inactive user")
    return current_user


@app.get("/users/me/")
async def read_users_me(current_user: Annotated[User, Depends(get_current_active_user)]) -> User:
    return current_user


class Items(Hub):
    async def read_own_items(self, current_user: Annotated[User, Depends(get_current_active_user)]) -> list[Any]:
        return [{"item_id": "Foo", "owner": current_user.username}]

    async def watch(
        self, count: int, current_user: Annotated[User, Depends(get_current_active_user)]
    ) -> AsyncIterator[str]:
        for n in range(count):
            yield f"{current_user.username} {n}"

    async def rename(self, name: str, user: User = Depends(get_current_user)) -> User:  # noqa: B008 - FastAPI's older way
        return user.model_copy(update={"full_name": name})

    async def anyone(self) -> str:
        return "anyone"


hubs = HubServer({"/items": Items})
app.mount("/hubs", hubs)
