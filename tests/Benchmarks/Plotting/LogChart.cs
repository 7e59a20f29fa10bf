using System.Globalization;
using System.Security;
using System.Text;

namespace ZfRepl.Benchmarks.Plotting;

/// <summary>One line of a chart.</summary>
/// <param name="Label">What was measured.</param>
/// <param name="Value">The figure, above 0.</param>
/// <param name="IsOurs">True to stand out.</param>
internal sealed record ChartRow(string Label, double Value, bool IsOurs);

/// <summary>Figures of one unit beside each other.</summary>
/// <param name="Title">What it is about.</param>
/// <param name="Direction">Which way is better, for people.</param>
/// <param name="Rows">The lines, in the order in which they are drawn.</param>
internal sealed record Panel(string Title, string Direction, IReadOnlyList<ChartRow> Rows);

/// <summary>
/// Draws panels one below the other as SVG: a dot for each figure on a logarithmic axis. The colours follow the reader's light or dark
/// mode; there is no background, no script and no font of its own.
/// </summary>
internal static class LogChart
{
    private const int Width = 760;
    private const int AxisLeft = 250;
    private const int AxisRight = 690;
    private const int RowHeight = 24;
    private const int TitleHeight = 52;
    private const int AxisHeight = 34;

    private const string Style = """
          <style>
            text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #24292f; }
            .title { font-size: 15px; font-weight: 600; }
            .quiet { fill: #57606a; font-size: 12px; }
            .ours { font-weight: 600; fill: #0a58ca; }
            .grid { stroke: #d0d7de; stroke-width: 1; }
            .stem { stroke: #8c959f; stroke-width: 2; }
            .dot { fill: #6e7781; }
            .stem.ours { stroke: #0a58ca; stroke-width: 4; }
            .dot.ours { fill: #0a58ca; }
            @media (prefers-color-scheme: dark) {
              text { fill: #e6edf3; }
              .quiet { fill: #9aa4af; }
              .ours { fill: #6cb2ff; }
              .grid { stroke: #3d444d; }
              .stem { stroke: #768390; }
              .dot { fill: #9aa4af; }
              .stem.ours { stroke: #6cb2ff; }
              .dot.ours { fill: #6cb2ff; }
            }
          </style>
        """;

    /// <summary>The SVG's text.</summary>
    /// <param name="description">For those who can't see it.</param>
    /// <param name="panels">What to draw; panels without rows are left out.</param>
    public static string Draw(string description, IReadOnlyList<Panel> panels)
    {
        var drawn = panels.Where(p => p.Rows.Count > 0).ToArray();
        var height = drawn.Sum(p => TitleHeight + p.Rows.Count * RowHeight + AxisHeight);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{SecurityElement.Escape(description)}\">\n");
        svg.Append(Style).Append('\n');
        var top = 0;
        foreach (var panel in drawn)
        {
            Draw(svg, panel, top);
            top += TitleHeight + panel.Rows.Count * RowHeight + AxisHeight;
        }

        return svg.Append("</svg>\n").ToString();
    }

    private static void Draw(StringBuilder svg, Panel panel, int top)
    {
        var first = (int)Math.Floor(Math.Log10(panel.Rows.Min(r => r.Value)));
        var last = Math.Max((int)Math.Ceiling(Math.Log10(panel.Rows.Max(r => r.Value))), first + 1);
        var (rowsTop, bottom) = (top + TitleHeight, top + TitleHeight + panel.Rows.Count * RowHeight);
        Text(svg, "title", 10, top + 24, "start", panel.Title);
        Text(svg, "quiet", 10, top + 42, "start", panel.Direction + "; logarithmic");
        for (var decade = first; decade <= last; decade++)
        {
            var x = X(Math.Pow(10, decade), first, last);
            svg.Append(CultureInfo.InvariantCulture, $"  <line class=\"grid\" x1=\"{x}\" y1=\"{rowsTop}\" x2=\"{x}\" y2=\"{bottom}\"/>\n");
            Text(svg, "quiet", x, bottom + 16, "middle", Short(Math.Pow(10, decade)));
        }

        for (var i = 0; i < panel.Rows.Count; i++)
        {
            var row = panel.Rows[i];
            var (x, y, ours) = (X(row.Value, first, last), rowsTop + i * RowHeight + RowHeight / 2, row.IsOurs ? " ours" : "");
            Text(svg, $"label{ours}", AxisLeft - 12, y + 4, "end", row.Label);
            svg.Append(CultureInfo.InvariantCulture, $"  <line class=\"stem{ours}\" x1=\"{AxisLeft}\" y1=\"{y}\" x2=\"{x}\" y2=\"{y}\"/>\n");
            svg.Append(CultureInfo.InvariantCulture, $"  <circle class=\"dot{ours}\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>\n");
            Text(svg, $"value{ours}", x + 11, y + 4, "start", Short(row.Value));
        }
    }

    private static int X(double value, int first, int last) =>
        AxisLeft + (int)Math.Round((AxisRight - AxisLeft) * (Math.Log10(value) - first) / (last - first));

    private static void Text(StringBuilder svg, string style, int x, int y, string anchor, string text) => svg.Append(
        CultureInfo.InvariantCulture,
        $"  <text class=\"{style}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{SecurityElement.Escape(text)}</text>\n");

    private static string Short(double value) => value switch
    {
        >= 999_500 => (value / 1e6).ToString(value < 9_950_000 ? "0.#" : "0", CultureInfo.InvariantCulture) + " M",
        >= 10_000 => (value / 1e3).ToString("0", CultureInfo.InvariantCulture) + " k",
        >= 100 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.#", CultureInfo.InvariantCulture),
        _ => value.ToString("0.##", CultureInfo.InvariantCulture),
    };
}
