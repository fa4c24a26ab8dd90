/** All checks, in the order of checks.txt. */
import * as beyond from "./beyond.mjs";
import * as call from "./call.mjs";
import * as down from "./down.mjs";
import * as invoke from "./invoke.mjs";
import * as js from "./js.mjs";
import * as life from "./life.mjs";
import * as up from "./up.mjs";

export const CHECKS = [invoke, down, up, call, life, beyond, js].flatMap((module) => module.checks);
