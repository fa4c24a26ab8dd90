// The rows: .NET's own type, and, where that is impossible, what a program has to use instead.
public static class Table
{
    static readonly DateTime Noon = new(2026, 11, 23, 12, 5, 6, 789, DateTimeKind.Utc);
    static readonly TimeSpan Day = new(1, 2, 3, 4, 500);
    static readonly Point P = new() { X = 1, Y = -2, Label = "a" };
    static readonly Snake.Point S = new() { x = 1, y = -2, label = "a" };

    public static IEnumerable<Row> Rows(bool python, bool json)
    {
        // What a time span, an enum are in this style and protocol.
        object Span(string iso, string text, long ticks) => python ? iso : json ? text : ticks;
        object Red = json || python ? 1 : "RED";

        yield return Row("bool", true);
        yield return Row("int", -42);
        yield return Row("int of 64 bits", ulong.MaxValue);
        yield return Row("int beyond JavaScript's", (1L << 53) + 1);
        yield return Row("int, the smallest", long.MinValue);
        yield return Row("float", 2.5);
        yield return Row("float without a fraction", 3.0);
        yield return Row("str", "é😀\n");
        yield return Row("line separators", "a\u2028b\u2029\0</script>");
        yield return Row("long text and bytes", (new string('ß', 5000), Bytes(20)), new object[] { new string('ß', 5000), Bytes(20) });
        yield return Row("bytes", new byte[] { 0, 255 });
        yield return Row("bytearray", new byte[] { 0, 255 });
        yield return Row("list", new List<int> { 1, 2 });
        yield return Row("bare list", new object?[] { 1, "a", null });
        yield return Row("tuple", (1, "a"), new object[] { 1, "a" });
        yield return Row("tuple of any length", new[] { 1, 2 });
        yield return Row("set", new HashSet<int> { 7 });
        yield return Row("frozenset", new HashSet<int> { 7 });
        yield return Row("dict", new Dictionary<string, int> { ["a_b"] = 1 });
        yield return Row("any", new Dictionary<string, object?[]> { ["a_b"] = [1, null] });
        yield return Row<int?>("optional", 3);
        yield return Row<int?>("optional, absent", null);
        yield return Row("union", new[] { 1 });
        yield return Row("union, an int", 7);
        yield return Row("union, a str", "seven");
        yield return Row("literal", "b");
        yield return Row("new type", 7);
        yield return Row("constrained", 7);
        yield return Row("uuid", new Guid("0e8f2a6c-4d1b-4a7e-9c3d-5b6a7f8e9d0c"));

        yield return Row("date", new DateOnly(2026, 11, 23), "2026-11-23");
        yield return Row("time", new TimeOnly(4, 5, 6, 789), "04:05:06.789000");
        yield return Row("dates and times", (DateOnly.MinValue, (TimeOnly?)TimeOnly.MinValue), new object[] { "0001-01-01", "00:00:00" });
        yield return Row("aware datetime", new DateTimeOffset(Noon), Noon);
        yield return Row("datetime with all its digits", Noon.AddMicroseconds(-788_999));
        yield return Row("datetime of a whole second", Noon.AddMilliseconds(-789));
        yield return Row("datetime with an offset", new DateTimeOffset(Noon).ToOffset(TimeSpan.FromHours(2)), Noon);
        yield return Row("naive datetime", DateTime.SpecifyKind(Noon, DateTimeKind.Unspecified), Noon);
        yield return Row("datetime or array", Noon);
        yield return Row("datetime or NamedTuple", (1, Colour.RED), new[] { 1, Red });
        yield return Row("timedelta", Day, Span("P1DT7384.5S", "1.02:03:04.5000000", 0));
        yield return Row("negative timedelta", -Day, Span("-P1DT7384.5S", "-1.02:03:04.5000000", 0));
        yield return Row("timedelta, optional", (TimeSpan?)TimeSpan.FromSeconds(1), Span("PT1S", "", 0));
        yield return Row("timedelta or list", TimeSpan.Zero, Span("P0D", "", 0));
        yield return Row("decimal", 1.10m, "1.10");

        yield return Row("int enum", Colour.BLUE, 2);
        yield return Row("str-valued enum", Mood.GOOD, "fine");
        yield return Row("str enum", Size.BIG, "b");
        yield return Row("flags", Access.READ | Access.WRITE, 3);
        yield return Row("no flag", default(Access), 0);
        yield return Row("enums", new List<Colour> { Colour.RED }, new[] { 1 });
        yield return Row("set of enums", new HashSet<Colour> { Colour.RED }, new[] { 1 });
        yield return Row("enum or none", (Colour?)Colour.RED, 1);
        yield return Row("tuple of enums", new[] { Colour.RED }, new[] { 1 });
        yield return Row("enum or span", Colour.RED, 1);
        yield return Row("enum or literal number", Mood.BAD, "awful");
        yield return Row("enum keys", new Dictionary<Colour, int> { [Colour.RED] = 5 }, new Dictionary<int, int> { [1] = 5 });
        yield return Row("flag keys", new Dictionary<Access, int> { [Access.READ | Access.WRITE] = 5 }, new Dictionary<int, int> { [3] = 5 });
        yield return Row("keys of a str-valued enum", new Dictionary<Mood, int> { [Mood.GOOD] = 5 }, new Dictionary<string, int> { ["fine"] = 5 });

        yield return Row("dataclass", P, S);
        yield return Row("dataclass, optional", P, S);
        yield return Row<Point?>("optional dataclass, absent", null);
        yield return Row("dataclass or int", P, S);
        yield return Row("union of a dataclass and an int, an int", 7);
        yield return Row("dataclasses", new List<Point> { P }, new[] { S });
        yield return Row("dict of dataclasses", new Dictionary<string, Point> { ["a_key"] = P }, new Dictionary<string, Snake.Point> { ["a_key"] = S });
        yield return Row("tuple with a dataclass", (P, Colour.RED, 3), new object[] { S, 1, 3 });
        yield return Row("nested dataclass", new Line { StartPoint = P, AllPoints = [P], ByName = { ["a_key"] = P } },
            new Snake.Line { start_point = S, all_points = [S], by_name = { ["a_key"] = S } });
        yield return Row("dataclass that holds itself", new Node { NodeName = "a", SubNodes = [new() { NodeName = "b" }] },
            new Snake.Node { node_name = "a", sub_nodes = [new() { node_name = "b" }] });
        yield return Row("dataclass with values", new Event { At = Noon, Took = TimeSpan.FromSeconds(1), Colour = Colour.RED },
            new Snake.Event { at = Noon, took = "PT1S", colour = 1 });
        yield return Row("struct", new Shape { SideCount = 4, Centre = P }, new Snake.Shape { side_count = 4, centre = S });
        yield return Row("tagged structs", new Square { SideMm = 4 }, new Snake.Square { side_mm = 4 });
        yield return Row("struct with an alias", new Aliased { FirstName = "A", surname = "B" }, new Snake.Aliased { first_name = "A", surname = "B" });
        yield return Row("struct with its own spelling", new Dictionary<string, object> { ["x"] = 1, ["first-name"] = "A" });
        yield return Row("struct as an array", (1, TimeSpan.FromSeconds(1)), new[] { 1, Span("PT1S", "00:00:01", 0) });
        yield return Row("struct without its defaults", new Sparse { OtherValue = 2 }, new Snake.Sparse { other_value = 2 });
        yield return Row("generic struct", new Box<Point> { InnerValue = P }, new Snake.Box { inner_value = S });
        yield return Row("generic dataclass", new Crate<Colour> { InnerValue = Colour.RED, MoreValues = [Colour.BLUE] },
            new Snake.Crate { inner_value = 1, more_values = [2] });
        yield return Row("dataclass with a generic base", new PointCrate { InnerValue = P, ExtraValue = 3 },
            new Snake.PointCrate { inner_value = S, extra_value = 3 });
        yield return Row("TypedDict", new Options { MaxCount = 1, SortBy = P }, new Snake.Options { max_count = 1, sort_by = S });
        yield return Row("TypedDict without what may be left out", new Options { MaxCount = 1 },
            new Dictionary<string, int> { [python ? "max_count" : json ? "maxCount" : "MaxCount"] = 1 });
        yield return Row("NamedTuple", (1, Colour.RED), new[] { 1, Red });
        yield return Row("attrs class", new Person { FullName = "A", Home = P }, new Snake.Person { full_name = "A", home = S });

        var owner = new Owner { name = "A", pets = [new() { name = "B", born = new(2020, 2, 29), colour = Colour.RED }] };
        yield return Row("pydantic model", owner, new Snake.Owner { name = "A", pets = [new() { name = "B", born = "2020-02-29", colour = 1 }] });
        yield return Row("pydantic model or list", new List<Owner> { new() { name = "A" } });
        yield return Row("pydantic model with values", new Plan { price = 1.10m, lasts = TimeSpan.FromSeconds(1) },
            new Dictionary<string, string> { ["price"] = "1.10", ["lasts"] = "PT1S" });
        yield return Row("pydantic model, spelled", new SpelledPet { PetName = "B" }, new Dictionary<string, string> { ["PetName"] = "B" });
    }

    static byte[] Bytes(int times) => Enumerable.Range(0, 256 * times).Select(i => (byte)i).ToArray();
    static Row Row<T>(string name, T own) => new(name, new Value<T>(own), null);
    static Row Row<T, U>(string name, T own, U instead) =>
        // What is an object here is a text or a number: it has to come back as one.
        new(name, new Value<T>(own), instead is string text ? new Value<string>(text) : new Value<U>(instead));
}
