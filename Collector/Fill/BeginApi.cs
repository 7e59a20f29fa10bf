using ZfRepl.Collector.Mailboxes;
using ZfRepl.Core.History;
using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Collector.Fill;

/// <summary>The method history.begin: since when the local history has some items, as far as it knows. The replicator next door calls it.</summary>
internal sealed class BeginApi(IReadOnlyList<Mailbox> mailboxes, LocalHistory? history)
{
    /// <summary>Adds the method.</summary>
    public void Register(RpcMethods methods) => methods.Add(
        "history.begin",
        "says since when the local history has any of some items, if it still reaches back to where it began",
        [
            new RpcParameter("i", RpcType.String, "mailbox name; it has to take the items", IsRequired: true),
            new RpcParameter("oid", RpcType.Strings, $"the items, at most {ItemList.MaxItems}", IsRequired: true),
        ],
        BeginAsync);

    private async Task<RpcResult> BeginAsync(RpcCall call, CancellationToken cancellationToken)
    {
        var name = call.String("i");
        if (mailboxes.FirstOrDefault(m => m.Name == name) is not { } mailbox)
        {
            return RpcResult.Error(RpcErrorCode.NotFound, $"i: there is no mailbox {OutsideText.Show(name)}; mailbox.list names them");
        }

        if (history is null)
        {
            return RpcResult.Error(RpcErrorCode.Unsupported, "this collector keeps no local history; add `history:` to its configuration");
        }

        var texts = call.StringsOrNull("oid") ?? [];
        if (texts.Count is 0 or > ItemList.MaxItems)
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"oid: give 1 to {ItemList.MaxItems} items");
        }

        var items = new List<Oid>();
        foreach (var text in texts)
        {
            if (!Oid.TryParse(text, out var item, out var wrong))
            {
                return RpcResult.Error(RpcErrorCode.InvalidData, $"oid: {wrong}");
            }

            if (!mailbox.Takes(item))
            {
                return RpcResult.Error(RpcErrorCode.InvalidData, $"oid: mailbox {name} does not take {item.Text}; its oids say what it takes");
            }

            items.Add(item);
        }

        var begin = await history.SinceAsync(items, cancellationToken);
        return begin.IsOk
            ? RpcResult.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("known", begin.Value.Knowledge switch
                {
                    BeginKnowledge.Since => "since",
                    BeginKnowledge.Never => "never",
                    _ => "unknown",
                });
                if (begin.Value.Knowledge == BeginKnowledge.Since)
                {
                    json.WriteString("since", UnixTime.FormatIso(begin.Value.SinceNs));
                    json.WriteNumber("since_ns", begin.Value.SinceNs);
                }

                json.WriteEndObject();
            })
            : RpcResult.Error(begin.Error.Trouble == HistoryTrouble.Busy ? RpcErrorCode.Busy : RpcErrorCode.Io, $"the local history can't be read: {begin.Error}");
    }
}
