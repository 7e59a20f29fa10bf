using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>How much a server takes in one request, and how a longer list is split.</summary>
internal sealed class OperationLimits
{
    /// <summary>Where the server states nothing.</summary>
    public const int Default = 1000;

    /// <summary>More is not sent in one request, whatever the server states.</summary>
    private const int Ceiling = 10_000;

    /// <summary>The nodes to read, in the order of <see cref="From"/>.</summary>
    public static readonly uint[] Nodes =
        [WellKnownNodes.MaxNodesPerRead, WellKnownNodes.MaxNodesPerWrite, WellKnownNodes.MaxMonitoredItemsPerCall];

    public int Read { get; private init; } = Default;

    public int Write { get; private init; } = Default;

    public int MonitoredItems { get; private init; } = Default;

    public static OperationLimits From(ReadOnlySpan<DataValue> values) => new()
    {
        Read = LimitOf(values[0]),
        Write = LimitOf(values[1]),
        MonitoredItems = LimitOf(values[2]),
    };

    /// <summary>
    /// Calls with parts of a list, one after the other, and halves the parts when the server finds them too large.
    /// </summary>
    /// <returns>One result for each item; the first error ends it.</returns>
    public static async Task<UaResult<IReadOnlyList<TResult>>> InPartsAsync<TItem, TResult>(
        IReadOnlyList<TItem> items, int partMax, Func<TItem[], Task<UaResult<TResult[]>>> call)
    {
        var results = new List<TResult>(items.Count);
        var size = Math.Max(1, partMax);
        while (results.Count < items.Count)
        {
            var part = items.Skip(results.Count).Take(size).ToArray();
            var answer = await call(part);
            if (answer.Error is { } error)
            {
                if (!error.IsTooLarge() || part.Length == 1)
                {
                    return error;
                }

                size = part.Length / 2;
                continue;
            }

            if (answer.Value.Length != part.Length)
            {
                return new UaError(
                    StatusCodes.BadUnexpectedError, $"the server gave {answer.Value.Length} results for {part.Length} operations");
            }

            results.AddRange(answer.Value);
        }

        return results;
    }

    private static int LimitOf(in DataValue value) =>
        value.Status.IsGood && value.Value is { Type: BuiltInType.UInt32, Shape: VariantShape.Scalar }
            && value.Value.GetUInt64() is > 0 and var limit
            ? (int)Math.Min(limit, Ceiling)
            : Default;
}
