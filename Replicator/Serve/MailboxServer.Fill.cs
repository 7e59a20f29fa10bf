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
}
