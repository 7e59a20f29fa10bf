using System.Text.Json;
using ZfRepl.Core.History;
using ZfRepl.Core.Transfer;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Rpc;

namespace ZfRepl.Hosting.Import;

/// <summary>The method <c>loss.list</c> of the roles that import: the ledger as it has arrived here.</summary>
public static class LossListMethod
{
    /// <summary>How many entries are given where nothing else is asked for.</summary>
    public const int DefaultLimit = 1000;

    /// <summary>How many entries may be asked for.</summary>
    public const int MaxLimit = 100_000;

    /// <summary>Adds it.</summary>
    /// <param name="methods">The service's methods.</param>
    /// <param name="history">The database with the books.</param>
    public static void Add(RpcMethods methods, ILossBook history) => methods.Add(
        "loss.list",
        "lists the entries of the loss ledger, the newest first",
        [
            new RpcParameter("node", RpcType.String, "the node that collected; all if not given"),
            new RpcParameter("limit", RpcType.Integer, $"how many at most, {DefaultLimit} if not given") { Minimum = 1, Maximum = MaxLimit },
        ],
        (call, cancellationToken) => ListAsync(history, call, cancellationToken));

    private static async Task<RpcResult> ListAsync(ILossBook book, RpcCall call, CancellationToken cancellationToken)
    {
        var node = call.StringOrNull("node");
        if (node is not null && TransferTopics.CheckNodeName(node) is { } bad)
        {
            return RpcResult.Error(RpcErrorCode.InvalidData, $"node: '{OutsideText.Show(node)}' is no name of a node: {bad}");
        }

        var read = await book.ReadLossesAsync(node, (int)(call.Int64OrNull("limit") ?? DefaultLimit), cancellationToken);
        return read.IsOk ? RpcResult.List(read.Value, Write) : RpcResult.Error(RpcErrorCode.NotReady, read.Error.ToString());
    }

    private static void Write(Utf8JsonWriter json, BookedLoss loss)
    {
        json.WriteStartObject();
        json.WriteString("node", loss.Stream.Node);
        json.WriteString("mailbox", loss.Stream.Mailbox);
        json.WriteString("stream", loss.Stream.Id.ToString());
        json.WriteString("found_by", JsonNamingPolicy.SnakeCaseLower.ConvertName(loss.Origin.ToString()));
        LossJson.Write(json, loss.Record);
        json.WriteNumber("still_lost", loss.StillLost);
        json.WriteEndObject();
    }
}
