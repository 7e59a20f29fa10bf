namespace ZfRepl.Benchmarks.Running;

/// <summary>Figures that compare one benchmark with another of the same run.</summary>
internal static class Ratios
{
    private static readonly (string Name, string Numerator, string Denominator, string Unit)[] All =
    [
        ("w1_wire_ratio_bzip2_rows", "rows_bzip2_bytes_per_event", "w1_wire_bytes_per_event", "x fewer bytes on the wire than rows + bzip2"),
        ("w1_spool_ratio_rows", "rows_bytes_per_event", "w1_spool_bytes_per_event", "x fewer bytes on the disk than rows"),
        ("w1_edge_cpu_ratio_bzip2_rows", "rows_bzip2_cpu_seconds_per_million", "w1_edge_cpu_seconds_per_million",
            "x less CPU time for all the edge's work than for bzip2 of rows"),
    ];

    /// <summary>Those whose two figures were measured.</summary>
    public static IReadOnlyList<Summary> Of(IReadOnlyList<Summary> figures)
    {
        var medians = figures.ToDictionary(f => f.Median.Name, f => f.Median.Value);
        return
        [
            .. from ratio in All
               where medians.ContainsKey(ratio.Numerator) && medians.GetValueOrDefault(ratio.Denominator) > 0
               let value = medians[ratio.Numerator] / medians[ratio.Denominator]
               select new Summary(new Figure(ratio.Name, value, ratio.Unit), value, value),
        ];
    }
}
