import java.util.Objects;

/** The hub's Point, as JSON names its members. A class: the client's Gson knows no records. */
final class Point {
    final int x;
    final int y;
    final String label;

    Point(int x, int y, String label) {
        this.x = x;
        this.y = y;
        this.label = label;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Point point && point.x == x && point.y == y && Objects.equals(point.label, label);
    }

    @Override
    public int hashCode() {
        return Objects.hash(x, y, label);
    }

    @Override
    public String toString() {
        return "Point(" + x + ", " + y + ", " + label + ")";
    }
}
