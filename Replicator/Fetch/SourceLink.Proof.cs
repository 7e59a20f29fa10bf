using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Repair;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Fetch;

/// <summary>Asks the source for its signed statement, and for sums of its own history.</summary>
public sealed partial class SourceLink
{
    private const int MaxAnswerBytes = 64 * 1024;
    private const int AnswerOverheadBytes = 512;
    private const int MaxAttempts = 5;
    private static readonly TimeSpan PendingPause = TimeSpan.FromMilliseconds(200);

    private int AnswerBytes => Math.Max(256, Math.Min((_session?.Terms.ChunkBytes ?? MaxAnswerBytes) - AnswerOverheadBytes, MaxAnswerBytes));

    /// <summary>The source's statement about this node's mailbox; its signature is right.</summary>
    /// <param name="range">The hours wanted.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    /// <param name="session">Sees to it that there is a session, before the first question and when one has ended; null where it is there.</param>
    public async Task<LinkAnswer<SignedDocument>> StateAsync(
        TimeRange range, CancellationToken cancellationToken, Func<CancellationToken, Task<bool>>? session = null)
    {
        var id = NewNumber();
        byte[]? statement = null;
        for (var offset = 0; statement is null || offset < statement.Length;)
        {
            var at = offset;
            var reply = await AskAsync(
                () => new TransferRequest(TransferOperation.Statement, Statement: new StatementWish(id, range, at, AnswerBytes)), session, cancellationToken);
            if (!reply.IsOk)
            {
                return Explain(reply).As<SignedDocument>();
            }

            if (StatementPart.TryDecode(reply.Value!.Content.Span) is not { } part
                || (part.TotalBytes > 0 && (part.Offset != offset || (statement is not null && statement.Length != part.TotalBytes))))
            {
                return new LinkAnswer<SignedDocument>(LinkStatus.Refused, null, "the source's statement is malformed");
            }

            if (part.TotalBytes == 0)
            {
                await Task.Delay(PendingPause, _time, cancellationToken);
                continue;
            }

            statement ??= new byte[part.TotalBytes];
            part.Content.Span.CopyTo(statement.AsSpan(offset));
            offset += part.Content.Length;
        }

        if (!Utf8.IsValid(statement))
        {
            return new LinkAnswer<SignedDocument>(LinkStatus.Refused, null, "the source's statement is no text");
        }

        return SignedDocument.TryRead(Encoding.UTF8.GetString(statement), SourceStatement.Format, out var document) is { } wrong
            ? new LinkAnswer<SignedDocument>(LinkStatus.Refused, null, $"the source's statement can't be used: {wrong}")
            : new LinkAnswer<SignedDocument>(LinkStatus.Ok, document, "");
    }

    /// <summary>Sums of what the source's own history has for this node's mailbox, page by page.</summary>
    /// <param name="range">The range of time.</param>
    /// <param name="items">These items alone; none for all.</param>
    /// <param name="take">Takes a page; returns false to end the walk.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    /// <param name="session">As for the statement.</param>
    /// <returns>True when all pages were taken.</returns>
    public async Task<LinkAnswer<bool>> DigestAsync(
        TimeRange range,
        IReadOnlyList<Core.Telemetry.Oid> items,
        Func<DigestPage, Task<bool>> take,
        CancellationToken cancellationToken,
        Func<CancellationToken, Task<bool>>? session = null)
    {
        var walk = NewNumber();
        DigestPlace? after = null;
        do
        {
            var place = after;
            var reply = await AskAsync(
                () => new TransferRequest(TransferOperation.Digest, Digest: new DigestWish(walk, range, items, place, AnswerBytes)), session, cancellationToken);
            if (!reply.IsOk)
            {
                return Explain(reply).As<bool>();
            }

            if (DigestPage.TryDecode(reply.Value!.Content.Span) is not { } page || (page.Next is not null && page.Next == after))
            {
                return new LinkAnswer<bool>(LinkStatus.Refused, false, "the source's sums are malformed");
            }

            if (page.IsPending)
            {
                await Task.Delay(PendingPause, _time, cancellationToken);
                continue;
            }

            if (!await take(page))
            {
                return new LinkAnswer<bool>(LinkStatus.Ok, false, "");
            }

            if (page.Next is null)
            {
                return new LinkAnswer<bool>(LinkStatus.Ok, true, "");
            }

            after = page.Next;
        }
        while (true);
    }

    /// <summary>Asks one question, in a new session where the one before has ended: every question bears repeating.</summary>
    private async Task<LinkAnswer<TransferReply>> AskAsync(
        Func<TransferRequest> request, Func<CancellationToken, Task<bool>>? session, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (session is not null && !await session(cancellationToken))
            {
                return NoSession<TransferReply>();
            }

            var reply = await CallAsync(request(), cancellationToken);
            if (reply.Status != LinkStatus.TimedOut && (reply.Status != LinkStatus.NotReady || _session is not null))
            {
                return reply;
            }

            if (session is null || attempt >= MaxAttempts)
            {
                return reply;
            }
        }
    }

    private static ulong NewNumber()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    /// <summary>A source of before there were proofs says only that it does not know the question.</summary>
    private LinkAnswer<TransferReply> Explain(LinkAnswer<TransferReply> reply) =>
        reply.Status == LinkStatus.Refused && reply.Detail.Contains("not known to this version", StringComparison.Ordinal)
            ? reply with { Detail = $"{_options.Source} is of a version that can't state its accounts: update zfrepl there (replicator and collector), and ask again" }
            : reply;
}
