using ZfRepl.Core.Bytes;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>Requests of the target to have its mailbox filled from the history at the source.</summary>
internal sealed partial class MailboxServer
{
    /// <summary>Who fills; null when nobody does.</summary>
    public IFillSource? Fills { get; set; }

    private async Task FillAsync(ServedSession session, ulong number, FillWish wish, CancellationToken cancellationToken)
    {
        if (await FillingAsync(session, number, cancellationToken) is not { } fills)
        {
            return;
        }

        var answer = await fills.FillAsync(mailbox.Target, wish, cancellationToken);
        if (answer.Status != SourceStatus.Ok)
        {
            await ReplyFailureAsync(session, number, answer.Status, answer.Detail, cancellationToken);
            return;
        }

        var reply = new ByteWriter(256);
        answer.Value!.Write(reply);
        await ReplyAsync(session, number, TransferStatus.Ok, "", reply.WrittenMemory, cancellationToken);
    }

    private async Task BeginAsync(ServedSession session, ulong number, BeginWish wish, CancellationToken cancellationToken)
    {
        if (await FillingAsync(session, number, cancellationToken) is not { } fills)
        {
            return;
        }

        var answer = await fills.BeginAsync(mailbox.Target, wish.Items, cancellationToken);
        if (answer.Status != SourceStatus.Ok)
        {
            await ReplyFailureAsync(session, number, answer.Status, answer.Detail, cancellationToken);
            return;
        }

        var reply = new ByteWriter(16);
        answer.Value!.Write(reply);
        await ReplyAsync(session, number, TransferStatus.Ok, "", reply.WrittenMemory, cancellationToken);
    }

    /// <summary>Who fills; null when it is not allowed, which the target has been told then.</summary>
    private async Task<IFillSource?> FillingAsync(ServedSession session, ulong number, CancellationToken cancellationToken)
    {
        if (!mailbox.AllowFill || Fills is not { } fills)
        {
            audit.Refuse(
                "fill not allowed",
                $"node {mailbox.Target} wants its mailbox filled from the local history",
                $"set allow_fill of server.mailboxes.{mailbox.Target} if it may");
            await ReplyAsync(
                session,
                number,
                TransferStatus.AccessDenied,
                $"filling is not allowed there: set allow_fill of server.mailboxes.{mailbox.Target} at {options.Node}",
                default,
                cancellationToken);
            return null;
        }

        return fills;
    }
}
