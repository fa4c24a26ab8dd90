// The hub's types as .NET has them: what the members are called is the serializer's business.
public class Point { public int X { get; set; } public int Y { get; set; } public string? Label { get; set; } }
public class Line
{
    public Point StartPoint { get; set; } = new(); public List<Point> AllPoints { get; set; } = [];
    public Dictionary<string, Point> ByName { get; set; } = [];
}
public class Node { public string NodeName { get; set; } = ""; public List<Node> SubNodes { get; set; } = []; }
public class Event { public DateTime At { get; set; } public TimeSpan Took { get; set; } public Colour Colour { get; set; } }
public class Shape { public int SideCount { get; set; } public Point? Centre { get; set; } }
public class Square { public string type { get; set; } = "Square"; public int SideMm { get; set; } }
public class Aliased { public string FirstName { get; set; } = ""; public string surname { get; set; } = ""; }
public class Sparse { public int SomeValue { get; set; } = 1; public int OtherValue { get; set; } }
public class Box<T> { public T? InnerValue { get; set; } }
public class Crate<T> { public T? InnerValue { get; set; } public List<T> MoreValues { get; set; } = []; }
public class PointCrate : Crate<Point> { public int ExtraValue { get; set; } }
public class Options { public int MaxCount { get; set; } public Point? SortBy { get; set; } }
public class Person { public string FullName { get; set; } = ""; public Point? Home { get; set; } }
public class Owner { public string name { get; set; } = ""; public List<Pet> pets { get; set; } = []; }
public class Pet { public string name { get; set; } = ""; public DateOnly born { get; set; } public Colour colour { get; set; } }
public class Plan { public decimal price { get; set; } public TimeSpan lasts { get; set; } }
public class SpelledPet { public string PetName { get; set; } = ""; }

public enum Colour { RED = 1, BLUE = 2 }
public enum Mood { GOOD, BAD }
public enum Size { BIG }
[Flags] public enum Access { READ = 1, WRITE = 2 }

namespace Snake
{
    // The same with Python's names, for MessagePack, which knows no naming policy.
    public class Point { public int x { get; set; } public int y { get; set; } public string? label { get; set; } }
    public class Line
    {
        public Point start_point { get; set; } = new(); public List<Point> all_points { get; set; } = [];
        public Dictionary<string, Point> by_name { get; set; } = [];
    }
    public class Node { public string node_name { get; set; } = ""; public List<Node> sub_nodes { get; set; } = []; }
    public class Event { public DateTime at { get; set; } public string took { get; set; } = ""; public int colour { get; set; } }
    public class Shape { public int side_count { get; set; } public Point? centre { get; set; } }
    public class Square { public string type { get; set; } = "Square"; public int side_mm { get; set; } }
    public class Aliased { public string first_name { get; set; } = ""; public string surname { get; set; } = ""; }
    public class Sparse { public int some_value { get; set; } = 1; public int other_value { get; set; } }
    public class Box { public Point? inner_value { get; set; } }
    public class Crate { public int inner_value { get; set; } public List<int> more_values { get; set; } = []; }
    public class PointCrate { public Point? inner_value { get; set; } public List<Point> more_values { get; set; } = []; public int extra_value { get; set; } }
    public class Options { public int max_count { get; set; } public Point? sort_by { get; set; } }
    public class Person { public string full_name { get; set; } = ""; public Point? home { get; set; } }
    public class Owner { public string name { get; set; } = ""; public List<Pet> pets { get; set; } = []; }
    public class Pet { public string name { get; set; } = ""; public string born { get; set; } = ""; public int colour { get; set; } }
}
