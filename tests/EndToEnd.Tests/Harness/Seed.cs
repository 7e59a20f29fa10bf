using System.Globalization;
using Xunit.Abstractions;

namespace ZfRepl.EndToEnd.Tests.Harness;

/// <summary>Chance that can be had again: the seed is printed, and taken from <c>ZFREPL_SEED</c> where that is set.</summary>
internal static class Seed
{
    public static Random Next(ITestOutputHelper output)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("ZFREPL_SEED"), CultureInfo.InvariantCulture, out var given)
            ? given
            : Guid.NewGuid().GetHashCode() & int.MaxValue;
        output.WriteLine($"ZFREPL_SEED={seed}");
        return new Random(seed);
    }

    /// <summary>True for runs that may take long: <c>ZFREPL_LONG=1</c>.</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable("ZFREPL_LONG") == "1";
}
