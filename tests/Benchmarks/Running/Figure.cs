namespace ZfRepl.Benchmarks.Running;

/// <summary>One measured number.</summary>
/// <param name="Name">Its key in the JSON.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit, for people.</param>
/// <param name="AtLeast">The target that it should reach, or null.</param>
/// <param name="AtMost">The target that it should stay below, or null.</param>
internal sealed record Figure(string Name, double Value, string Unit, double? AtLeast = null, double? AtMost = null);

/// <summary>The figures of several rounds: the median, and how far they lie apart.</summary>
internal sealed record Summary(Figure Median, double Min, double Max)
{
    /// <summary>Sums up rounds that measured the same figures in the same order.</summary>
    public static IReadOnlyList<Summary> Of(IReadOnlyList<IReadOnlyList<Figure>> rounds) =>
        [.. rounds[0].Select((figure, i) =>
        {
            var values = rounds.Select(r => r[i].Value).Order().ToArray();
            return new Summary(figure with { Value = values[values.Length / 2] }, values[0], values[^1]);
        })];
}
