using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Core.History;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>Has the collector next door state accounts and sum up its history.</summary>
internal sealed partial class CollectorBlocks
{
    // The history may have much to take in before, and many items to look up.
    private static readonly TimeSpan DigestTimeout = TimeSpan.FromMinutes(10);

    public async Task<SourceAnswer<SignedDocument>> StateAsync(string mailbox, TimeRange range, CancellationToken cancellationToken)
    {
        var answer = await CallAsync(
            "proof.statement", new JsonObject { ["i"] = mailbox, ["from_ns"] = range.FromNs, ["to_ns"] = range.ToNs }, cancellationToken);
        if (answer.Status != SourceStatus.Ok)
        {
            return Failed<SignedDocument>(answer);
        }

        return answer.Value.ValueKind == JsonValueKind.Object
            && SignedDocument.TryRead(Text(answer.Value, "statement"), SourceStatement.Format, out var statement) is null
            ? new SourceAnswer<SignedDocument>(SourceStatus.Ok, statement, null)
            : Odd<SignedDocument>();
    }

    public async Task<SourceAnswer<DigestPage>> DigestAsync(string mailbox, DigestWish wish, CancellationToken cancellationToken)
    {
        var parameters = new JsonObject
        {
            ["i"] = mailbox,
            ["from_ns"] = wish.Range.FromNs,
            ["to_ns"] = wish.Range.ToNs,
            ["walk"] = wish.Walk.ToString("x16", CultureInfo.InvariantCulture),
            ["max_bytes"] = Math.Clamp(wish.MaxBytes, 256, 1024 * 1024),
        };
        if (wish.Items.Count > 0)
        {
            parameters["oid"] = new JsonArray([.. wish.Items.Select(i => (JsonNode)i.Text)]);
        }

        if (wish.After is { } after)
        {
            parameters["after_oid"] = after.Item.Text;
            parameters["after_ns"] = after.Cursor.TimeNs;
            parameters["after_number"] = after.Cursor.Number;
        }

        var answer = await CallAsync("proof.digest", parameters, DigestTimeout, cancellationToken);
        if (answer.Status != SourceStatus.Ok)
        {
            return Failed<DigestPage>(answer);
        }

        return ReadPage(answer.Value) is { } page ? new SourceAnswer<DigestPage>(SourceStatus.Ok, page, null) : Odd<DigestPage>();
    }

    private static DigestPage? ReadPage(JsonElement answer)
    {
        if (answer.ValueKind != JsonValueKind.Object
            || !answer.TryGetProperty("cells", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > DigestPage.MaxCells)
        {
            return null;
        }

        var cells = new List<DigestCell>();
        Oid? item = null;
        foreach (var row in list.EnumerateArray())
        {
            if (row.ValueKind != JsonValueKind.Array || row.GetArrayLength() != 4 || row[0].ValueKind != JsonValueKind.String
                || !row[1].TryGetInt32(out var hour) || !row[2].TryGetInt64(out var count)
                || row[3].ValueKind != JsonValueKind.String || !EventSum.TryParse(row[3].GetString()!, out var sum))
            {
                return null;
            }

            var text = row[0].GetString()!;
            if (item?.Text != text && !Oid.TryParse(text, out item, out _))
            {
                return null;
            }

            cells.Add(new DigestCell(item!, hour, new EventSum(count, sum)));
        }

        if (!answer.TryGetProperty("next", out var next))
        {
            return new DigestPage(false, cells, null);
        }

        return next.ValueKind == JsonValueKind.Object && Oid.TryParse(Text(next, "after_oid"), out var place, out _)
            && next.TryGetProperty("after_ns", out var time) && time.TryGetInt64(out var timeNs)
            && next.TryGetProperty("after_number", out var number) && number.TryGetInt64(out var n)
            ? new DigestPage(false, cells, new DigestPlace(place, new HistoryCursor(timeNs, n)))
            : null;
    }

    /// <summary>It is about the question, not about a block's content.</summary>
    private static SourceAnswer<T> Failed<T>(SourceAnswer<JsonElement> answer) =>
        new(answer.Status == SourceStatus.WrongHash ? SourceStatus.Unavailable : answer.Status, default, answer.Detail);

    private SourceAnswer<T> Odd<T>() =>
        new(SourceStatus.Unavailable, default, $"{serviceId} states its accounts in a way that this version does not understand");
}
