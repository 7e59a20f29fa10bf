using System.Threading.Channels;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Proof;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Serve;

/// <summary>
/// Questions of the target for a proof. What takes time is done beside the serving of blocks: the answer is given when it is there, and whoever
/// repeats the question meanwhile is told that it is being worked on.
/// </summary>
internal sealed partial class MailboxServer
{
    // What encrypting and the frame of an answer take, and some room.
    private const int AnswerOverheadBytes = 512;
    private const int MaxAnswerBytes = 64 * 1024;

    private readonly Channel<((ulong Id, DigestPlace? After) Key, Func<CancellationToken, Task<ProofAnswer>> Ask)> _questions =
        Channel.CreateBounded<((ulong Id, DigestPlace? After) Key, Func<CancellationToken, Task<ProofAnswer>> Ask)>(4);

    private (ulong Id, SignedDocument Document)? _statement;
    private Question? _asked;

    /// <summary>Who states accounts; null when nobody does.</summary>
    public IProofSource? Proofs { get; set; }

    private static int AnswerBytes(ServedSession session, int wanted) =>
        Math.Clamp(Math.Min(wanted, session.ChunkBytes - AnswerOverheadBytes), 256, MaxAnswerBytes);

    private async Task StatementAsync(ServedSession session, ulong number, StatementWish wish, CancellationToken cancellationToken)
    {
        wish = wish with { MaxBytes = AnswerBytes(session, wish.MaxBytes) };
        if (_statement is { } known && known.Id == wish.Id)
        {
            await ReplyAsync(session, number, TransferStatus.Ok, "", Content(StatementPart.Cut(known.Document, wish).Write), cancellationToken);
        }
        else if (wish.Offset > 0)
        {
            await ReplyAsync(session, number, TransferStatus.NotFound, "the statement is not there any more; ask for a new one", default, cancellationToken);
        }
        else
        {
            await AskAsync(session, number, (wish.Id, null), StatementPart.Pending.Write, StateAsync, cancellationToken);
        }

        async Task<ProofAnswer> StateAsync(IProofSource proofs, CancellationToken token)
        {
            var answer = await proofs.StateAsync(mailbox.Target, wish.Range, token);
            return answer.Status != SourceStatus.Ok ? new ProofAnswer(answer.Status, answer.Detail, null, null)
                : answer.Value!.Text.Length > StatementPart.MaxTotalBytes ? new ProofAnswer(SourceStatus.Unavailable, "the statement is too large", null, null)
                : new ProofAnswer(answer.Status, null, StatementPart.Cut(answer.Value, wish).Write, (wish.Id, answer.Value));
        }
    }

    private Task DigestAsync(ServedSession session, ulong number, DigestWish wish, CancellationToken cancellationToken)
    {
        wish = wish with { MaxBytes = AnswerBytes(session, wish.MaxBytes) };
        return AskAsync(session, number, (wish.Walk, wish.After), DigestPage.Pending.Write, DigestAsync, cancellationToken);

        async Task<ProofAnswer> DigestAsync(IProofSource proofs, CancellationToken token)
        {
            var answer = await proofs.DigestAsync(mailbox.Target, wish, token);
            return new ProofAnswer(answer.Status, answer.Detail, answer.Value is { } page ? page.Write : null, null);
        }
    }

    private async Task AskAsync(
        ServedSession session,
        ulong number,
        (ulong Id, DigestPlace? After) key,
        Action<ByteWriter> pending,
        Func<IProofSource, CancellationToken, Task<ProofAnswer>> ask,
        CancellationToken cancellationToken)
    {
        if (Proofs is not { } proofs)
        {
            // As a source of before there were proofs says it.
            await ReplyAsync(session, number, TransferStatus.InvalidRequest, UnknownOperation, default, cancellationToken);
        }
        else if (_asked is { Answer: null } busy)
        {
            // Asked again while it is being worked on, or something else is: one thing at a time.
            await ReplyAsync(session, number, TransferStatus.Ok, "", Content(pending), cancellationToken);
            _asked = busy.Key == key ? busy with { IsWaited = false } : busy;
        }
        else if (_asked is { Answer: { } ready } done && done.Key == key && !done.IsWaited)
        {
            _asked = null;
            await GiveAsync(session, number, ready, cancellationToken);
        }
        else
        {
            // The channel has room: nothing else is being worked on.
            _asked = new Question(session, number, key, true, null);
            await _questions.Writer.WriteAsync((key, token => ask(proofs, token)), cancellationToken);
        }
    }

    private async Task ProveAllAsync(CancellationToken cancellationToken)
    {
        await foreach (var (key, ask) in _questions.Reader.ReadAllAsync(cancellationToken))
        {
            // The answer is given by the worker that the sessions belong to. It never waits for this one.
            var answer = await ask(cancellationToken);
            await _queue.Writer.WriteAsync(new Incoming(default, null, Proved: new Proved(key, answer)), cancellationToken);
        }
    }

    private async Task ProvedAsync(Proved proved, CancellationToken cancellationToken)
    {
        if (proved.Answer.Statement is { } statement)
        {
            _statement = statement;
        }

        if (_asked is not { } asked || asked.Key != proved.Key)
        {
            return;
        }

        if (asked is { IsWaited: true, Session.IsClosed: false })
        {
            _asked = null;
            await GiveAsync(asked.Session, asked.Number, proved.Answer, cancellationToken);
        }
        else
        {
            // Whoever was told that it takes time asks again.
            _asked = asked with { Answer = proved.Answer, IsWaited = false };
        }
    }

    private Task GiveAsync(ServedSession session, ulong number, ProofAnswer answer, CancellationToken cancellationToken) =>
        answer.Status == SourceStatus.Ok
            ? ReplyAsync(session, number, TransferStatus.Ok, "", Content(answer.Write!), cancellationToken)
            : ReplyFailureAsync(session, number, answer.Status, answer.Detail, cancellationToken);

    private static ReadOnlyMemory<byte> Content(Action<ByteWriter> write)
    {
        var content = new ByteWriter(1024);
        write(content);
        return content.WrittenMemory;
    }

    /// <summary>What is being worked on, or was and waits for being fetched.</summary>
    private sealed record Question(ServedSession Session, ulong Number, (ulong Id, DigestPlace? After) Key, bool IsWaited, ProofAnswer? Answer);

    private sealed record ProofAnswer(SourceStatus Status, string? Detail, Action<ByteWriter>? Write, (ulong Id, SignedDocument Document)? Statement);

    private sealed record Proved((ulong Id, DigestPlace? After) Key, ProofAnswer Answer);
}
