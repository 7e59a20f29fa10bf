using System.Text.Json;
using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.History;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Proof;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Collector.Proof;

/// <summary>The methods of the proof at the source: proof.statement, proof.digest and proof.key. The replicator next door calls them.</summary>
internal sealed class ProofApi(IReadOnlyList<Mailbox> mailboxes, ProofStatements statements, DigestWalks? walks)
{
    private const int DefaultPageBytes = 64 * 1024;
    private const int MaxPageBytes = 1024 * 1024;

    private static readonly RpcParameter MailboxName = new("i", RpcType.String, "mailbox name", IsRequired: true);
    private static readonly RpcParameter From = new("from_ns", RpcType.Integer, "first time, nanoseconds since 1970", IsRequired: true);
    private static readonly RpcParameter To = new("to_ns", RpcType.Integer, "last time, nanoseconds since 1970", IsRequired: true);

    /// <summary>Adds the methods.</summary>
    public void Register(RpcMethods methods)
    {
        methods.Add("proof.statement", "states a mailbox's accounts by hour and its chain of blocks, signed", [MailboxName, From, To], StateAsync);
        methods.Add(
            "proof.digest",
            "sums up what the local history has for a mailbox, by item and hour; a page",
            [
                MailboxName,
                From,
                To,
                new RpcParameter("walk", RpcType.String, "what tells this walk from others, 16 hexadecimal digits", IsRequired: true),
                new RpcParameter("oid", RpcType.Strings, $"these items alone, at most {ItemList.MaxItems}; default all of the mailbox"),
                new RpcParameter("after_oid", RpcType.String, "with after_ns and after_number: where to go on, as the page before said"),
                new RpcParameter("after_ns", RpcType.Integer, "with after_oid"),
                new RpcParameter("after_number", RpcType.Integer, "with after_oid"),
                new RpcParameter("max_bytes", RpcType.Integer, "size of a page, default 65536") { Minimum = 256, Maximum = MaxPageBytes },
            ],
            DigestAsync);
        methods.Add("proof.key", "gives the public key that statements are signed with", [], (_, _) => Task.FromResult(ProofKeyMethod.Answer(statements.Key())));
    }

    private async Task<RpcResult> StateAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call) is not { } mailbox)
        {
            return NoMailbox(call);
        }

        if (Range(call) is not { } range)
        {
            return BadRange;
        }

        var stated = await statements.StateAsync(mailbox, range, cancellationToken);
        return stated.IsOk
            ? RpcResult.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("statement", stated.Value.Text);
                json.WriteEndObject();
            })
            : RpcResult.Error(RpcErrorCode.Io, $"the key for signing can't be used: {stated.Error}");
    }

    private async Task<RpcResult> DigestAsync(RpcCall call, CancellationToken cancellationToken)
    {
        if (Find(call) is not { } mailbox)
        {
            return NoMailbox(call);
        }

        if (walks is null)
        {
            return RpcResult.Error(
                RpcErrorCode.Unsupported,
                "this collector keeps no local history to compare with; add `history:` to its configuration, from then on it keeps what it collects");
        }

        if (Range(call) is not { } range)
        {
            return BadRange;
        }

        if (ReadWish(call, range, out var error) is not { } wish)
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, error);
        }

        var page = await walks.NextAsync(mailbox, wish, cancellationToken);
        return page.IsOk
            ? RpcResult.Write(json => Write(json, page.Value))
            : RpcResult.Error(page.Error.Trouble == HistoryTrouble.Busy ? RpcErrorCode.Busy : RpcErrorCode.Io, $"the local history can't be read: {page.Error}");
    }

    private static DigestWish? ReadWish(RpcCall call, TimeRange range, out string error)
    {
        var walk = call.String("walk");
        if (walk.Length != 16 || !ulong.TryParse(walk, System.Globalization.NumberStyles.AllowHexSpecifier, null, out var number))
        {
            error = "walk: it has 16 hexadecimal digits";
            return null;
        }

        var texts = call.StringsOrNull("oid") ?? [];
        if (texts.Count > ItemList.MaxItems)
        {
            error = $"oid: {texts.Count} items are too many: give at most {ItemList.MaxItems}, or none for all";
            return null;
        }

        var items = new List<Oid>();
        foreach (var text in texts)
        {
            if (!Oid.TryParse(text, out var item, out var bad))
            {
                error = $"oid: {bad}";
                return null;
            }

            items.Add(item);
        }

        DigestPlace? after = null;
        if (call.StringOrNull("after_oid") is { } place)
        {
            if (!Oid.TryParse(place, out var item, out _)
                || call.Int64OrNull("after_ns") is not { } timeNs || call.Int64OrNull("after_number") is not { } inInstant)
            {
                error = "after_oid: it, after_ns and after_number go together, as the page before gave them";
                return null;
            }

            after = new DigestPlace(item, new HistoryCursor(timeNs, inInstant));
        }

        error = "";
        return new DigestWish(number, range, items, after, (int)(call.Int64OrNull("max_bytes") ?? DefaultPageBytes));
    }

    private static void Write(Utf8JsonWriter json, DigestPage page)
    {
        json.WriteStartObject();
        json.WriteStartArray("cells");
        foreach (var cell in page.Cells)
        {
            json.WriteStartArray();
            json.WriteStringValue(cell.Item.Text);
            json.WriteNumberValue(cell.Hour);
            json.WriteNumberValue(cell.Events.Count);
            json.WriteStringValue(cell.Events.SumText);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        if (page.Next is { } next)
        {
            json.WriteStartObject("next");
            json.WriteString("after_oid", next.Item.Text);
            json.WriteNumber("after_ns", next.Cursor.TimeNs);
            json.WriteNumber("after_number", next.Cursor.Number);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static RpcResult NoMailbox(RpcCall call) =>
        RpcResult.Error(RpcErrorCode.NotFound, $"i: there is no mailbox {OutsideText.Show(call.String("i"))}; mailbox.list names them");

    private static RpcResult BadRange => RpcResult.Error(RpcErrorCode.InvalidData, "to_ns: it is before from_ns: swap them");

    private static TimeRange? Range(RpcCall call) =>
        call.Int64("from_ns") <= call.Int64("to_ns") ? new TimeRange(call.Int64("from_ns"), call.Int64("to_ns")) : null;

    private Mailbox? Find(RpcCall call) => mailboxes.FirstOrDefault(m => m.Name == call.String("i"));
}
