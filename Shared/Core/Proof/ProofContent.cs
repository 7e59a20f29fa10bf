using System.Text.Json;
using System.Text.Json.Serialization;

namespace ZfRepl.Core.Proof;

/// <summary>What was compared of an hour: events and the sum of their digests, over all items.</summary>
/// <param name="Hour">The hour, ISO 8601 in UTC.</param>
/// <param name="SourceEvents">Events in the source's own history.</param>
/// <param name="SourceSum">The sum of their digests, 32 hexadecimal digits.</param>
/// <param name="TargetEvents">Events of the same items in the target's database.</param>
/// <param name="TargetSum">The sum of their digests.</param>
public sealed record HourDigest(string Hour, long SourceEvents, string SourceSum, long TargetEvents, string TargetSum);

/// <summary>An item and hour in which the two databases differ.</summary>
/// <param name="Oid">The item.</param>
/// <param name="Hour">The hour, ISO 8601 in UTC.</param>
/// <param name="Kind"><c>missing</c>, <c>altered</c> or <c>more</c>.</param>
/// <param name="SourceEvents">Events in the source's own history.</param>
/// <param name="SourceSum">The sum of their digests.</param>
/// <param name="TargetEvents">Events in the target's database.</param>
/// <param name="TargetSum">The sum of their digests.</param>
public sealed record DifferingCell(string Oid, string Hour, string Kind, long SourceEvents, string SourceSum, long TargetEvents, string TargetSum)
{
    /// <summary>The target has fewer events.</summary>
    public const string Missing = "missing";

    /// <summary>The target has as many events, and they say something else.</summary>
    public const string Altered = "altered";

    /// <summary>The target has more events.</summary>
    public const string More = "more";
}

/// <summary>The comparison of the target's database with what ought to be in it.</summary>
/// <param name="Basis">
/// <see cref="History"/>: what the source's own history has; <see cref="Import"/>: what the target noted at import, by item and hour. "Source"
/// means that in what follows.
/// </param>
/// <param name="Items">Items compared.</param>
/// <param name="Hours">What was compared, by hour, ascending.</param>
/// <param name="MissingCells">Items and hours of which the target has fewer events.</param>
/// <param name="MissingEvents">How many fewer in all of them.</param>
/// <param name="AlteredCells">Items and hours of which the target has as many events, and they say something else.</param>
/// <param name="MoreCells">Items and hours of which the target has more events.</param>
/// <param name="IsSettled">False when events still waited at the source, so that what is missing may only be on its way.</param>
/// <param name="Differing">The first of the items and hours that differ.</param>
public sealed record DigestResult(
    string Basis,
    long Items,
    IReadOnlyList<HourDigest> Hours,
    long MissingCells,
    long MissingEvents,
    long AlteredCells,
    long MoreCells,
    bool IsSettled,
    IReadOnlyList<DifferingCell> Differing)
{
    /// <summary>Compared with the source's own history.</summary>
    public const string History = "history";

    /// <summary>Compared with the target's own notes.</summary>
    public const string Import = "import";
}

/// <summary>The target's books of the stream.</summary>
/// <param name="Received">Sequence numbers received.</param>
/// <param name="Missing">Sequence numbers that are neither received nor declared lost by the source.</param>
/// <param name="Blocks">Blocks imported.</param>
/// <param name="Events">Events in them.</param>
/// <param name="Known">Those of them that were in the database already.</param>
/// <param name="Conflicts">Those of them that bore the identity of another event and were not taken.</param>
public sealed record TargetBooks(ulong Received, ulong Missing, ulong Blocks, ulong Events, ulong Known, ulong Conflicts);

/// <summary>What was repaired before the statement.</summary>
/// <param name="Cells">Items and hours that the source was asked to fill again.</param>
/// <param name="Events">Events that were missing in them.</param>
/// <param name="Tasks">How many tasks it took.</param>
public sealed record RepairResult(long Cells, long Events, int Tasks);

/// <summary>A JSON value that is kept as it was written.</summary>
/// <param name="Text">The value.</param>
[JsonConverter(typeof(RawJsonConverter))]
public sealed record RawJson(string Text);

/// <summary>What a proof states: both sides' books, the chain of blocks, and the comparison of the databases.</summary>
public sealed record ProofContent
{
    /// <summary>The format of the signed document around it.</summary>
    public const string Format = "zfrepl-proof/1";

    /// <summary>The books agree, and so do the databases: nothing is missing.</summary>
    public const string Proven = "proven";

    /// <summary>The books agree; what is not at the target is accounted for by name, or can't be compared.</summary>
    public const string Accounted = "accounted";

    /// <summary>Events still waited at the source: what differs may only be on its way.</summary>
    public const string Undecided = "undecided";

    /// <summary>Something is missing or altered that no book accounts for.</summary>
    public const string Broken = "broken";

    /// <summary>How it is written.</summary>
    public static JsonSerializerOptions Json { get; } = new(SourceStatement.Json);

    /// <summary>One of the four words.</summary>
    public required string Verdict { get; init; }

    /// <summary>The target node, which states this.</summary>
    public required string Target { get; init; }

    /// <summary>The source node.</summary>
    public required string Source { get; init; }

    /// <summary>When it was stated, nanoseconds since 1970 by the target's clock.</summary>
    public required long StatedNs { get; init; }

    /// <summary>The target's program version.</summary>
    public required string Version { get; init; }

    /// <summary>The target's database, for people.</summary>
    public required string Database { get; init; }

    /// <summary>The first time compared.</summary>
    public required long FromNs { get; init; }

    /// <summary>The last time compared.</summary>
    public required long ToNs { get; init; }

    /// <summary>The source's own statement, a signed document.</summary>
    public required RawJson Statement { get; init; }

    /// <summary>The target's books.</summary>
    public required TargetBooks Books { get; init; }

    /// <summary>The chain over the blocks that the target imported, as far as the source's goes.</summary>
    public required ChainStatement Chain { get; init; }

    /// <summary>The comparison of the databases; null where there is nothing to compare with.</summary>
    public DigestResult? Digest { get; init; }

    /// <summary>What was repaired before; null where nothing was.</summary>
    public RepairResult? Repair { get; init; }

    /// <summary>Reads the source's statement; its signature is checked.</summary>
    /// <returns>Null, or why it can't be read.</returns>
    public string? TryReadStatement(out SignedDocument? document, out SourceStatement? statement) =>
        TryReadStatement(Statement.Text + "\n", out document, out statement);

    /// <summary>Reads a source's statement; its signature is checked.</summary>
    /// <returns>Null, or why it can't be read.</returns>
    public static string? TryReadStatement(string text, out SignedDocument? document, out SourceStatement? statement)
    {
        statement = null;
        if (SignedDocument.TryRead(text, SourceStatement.Format, out document) is { } wrong)
        {
            return wrong;
        }

        try
        {
            statement = JsonSerializer.Deserialize<SourceStatement>(document!.Content, SourceStatement.Json);
            var problem = statement is null ? "it is empty" : ProofShape.Problem(statement);
            statement = problem is null ? statement : null;
            return problem;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return $"it is not written as expected: {e.Message}";
        }
    }

    /// <summary>Reads a whole proof; all signatures are checked.</summary>
    /// <returns>Null, or what is wrong with it.</returns>
    public static string? TryRead(string text, out SignedDocument? document, out ProofContent? content)
    {
        content = null;
        if (SignedDocument.TryRead(text, Format, out document) is { } wrong)
        {
            return wrong;
        }

        try
        {
            content = JsonSerializer.Deserialize<ProofContent>(document!.Content, Json);
            var problem = content is null ? "it is empty" : ProofShape.Problem(content);
            content = problem is null ? content : null;
            return problem;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return $"it is not written as expected: {e.Message}";
        }
    }
}

/// <summary>Keeps a value's text as it is.</summary>
internal sealed class RawJsonConverter : JsonConverter<RawJson>
{
    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var value = JsonDocument.ParseValue(ref reader);
        return new RawJson(value.RootElement.GetRawText());
    }

    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) => writer.WriteRawValue(value.Text, skipInputValidation: true);
}
