using ZfRepl.Core.Telemetry;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Fetch;

/// <summary>Asks the source to fill this node's mailbox from its own history.</summary>
public sealed partial class SourceLink
{
    /// <summary>True while there is a session to ask in; it may end at any moment.</summary>
    public bool HasSession => _session is not null;

    /// <summary>Has a range of time filled, or asks how far it is: the wish's id tells which.</summary>
    public async Task<LinkAnswer<FillReply>> FillAsync(FillWish wish, CancellationToken cancellationToken)
    {
        var reply = await CallAsync(new TransferRequest(TransferOperation.Fill, Fill: wish), cancellationToken);
        if (!reply.IsOk)
        {
            return reply.As<FillReply>();
        }

        return FillReply.TryDecode(reply.Value!.Content.Span) is { } answer
            ? new LinkAnswer<FillReply>(LinkStatus.Ok, answer, "")
            : new LinkAnswer<FillReply>(LinkStatus.Refused, null, "the source's answer about a fill task is malformed");
    }

    /// <summary>Asks since when the source's own history has any of some items.</summary>
    public async Task<LinkAnswer<BeginReply>> BeginAsync(IReadOnlyList<Oid> items, CancellationToken cancellationToken)
    {
        var reply = await CallAsync(new TransferRequest(TransferOperation.Begin, Begin: new BeginWish(items)), cancellationToken);
        if (!reply.IsOk)
        {
            return reply.As<BeginReply>();
        }

        return BeginReply.TryDecode(reply.Value!.Content.Span) is { } answer
            ? new LinkAnswer<BeginReply>(LinkStatus.Ok, answer, "")
            : new LinkAnswer<BeginReply>(LinkStatus.Refused, null, "the source's answer about its beginning is malformed");
    }
}
