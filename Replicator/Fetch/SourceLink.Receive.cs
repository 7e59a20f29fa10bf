using Microsoft.Extensions.Logging;
using ZfRepl.Core.Transfer;

namespace ZfRepl.Replicator.Fetch;

/// <summary>What arrives from the source: opened, checked, handed to who waits for it.</summary>
public sealed partial class SourceLink
{
    private const string Suspicion = "find out who writes to these topics";

    private void ReceiveHelloReply(in MessageHeader header, ReadOnlySpan<byte> message)
    {
        if (_hello is not { } hello || hello.Nonce != header.Session)
        {
            return;
        }

        var keys = new SessionKeys(hello.Key, _options.Source, _options.Target, header.Session, header.Number);
        var plain = Open(keys.HelloReply, header, 0, message);
        if (plain is null || HelloReply.TryDecode(plain) is not { } terms || terms.ChunkBytes > _options.MaxChunkBytes)
        {
            keys.Dispose();
            return;
        }

        // A second answer to the same hello, as after a repeat, finds the first one in place.
        hello.Answer.TrySetResult(new LinkSession(header.Number, hello.Key, keys, terms, _time));
    }

    private void ReceiveReply(LinkSession session, in MessageHeader header, ReadOnlySpan<byte> message)
    {
        var number = header.MessageNumber;
        var plain = Open(session.Keys.ToTarget, header, number, message);
        if (plain is null)
        {
            return;
        }

        if (!session.TakeNumber(number))
        {
            Refuse("replay", "a message came twice", "nothing, if the broker repeats messages now and then");
            return;
        }

        session.Heard();

        if (header.Type == MessageType.Announce)
        {
            // The newest one says what the ones before it said, as far as that still waits.
            Volatile.Write(ref _announcedOffers, plain.Length == 0 ? null : NextReply.TryDecode(plain));
            _announced.Writer.TryWrite(true);
        }
        else if (TransferReply.TryDecode(plain) is { } reply)
        {
            session.Complete(reply);
        }
    }

    private void ReceiveChunk(LinkSession session, in MessageHeader header, ReadOnlySpan<byte> message)
    {
        if (session.FindTransfer(header.TransferId) is not { } transfer || header.ChunkIndex >= transfer.Download.ChunkCount)
        {
            return;
        }

        var download = transfer.Download;
        var isLast = header.ChunkIndex == download.ChunkCount - 1;
        if (header.IsLast != isLast || DirectionKey.PlainBytes(header, message.Length) != download.SizeOf(header.ChunkIndex))
        {
            Refuse("tampered", "a chunk does not have the place or size that it should have", Suspicion);
            return;
        }

        if (download.Open(header.ChunkIndex, transfer.Key, header, message) is not { } opened || !IsOpen(opened))
        {
            return;
        }

        session.Heard();
        session.ServedChunk(transfer);
        transfer.Arrived();
    }

    private void ReceiveStarted(in MessageHeader header, ReadOnlySpan<byte> message)
    {
        if (header.KeyId != _options.Key.Id || _lastStarted == header.Session || _options.KeyNow is not { } apiKey)
        {
            return;
        }

        using var key = SessionKeys.Started(apiKey, _options.Source, _options.Target, header.Session);
        if (Open(key, header, 0, message) is not null)
        {
            // It may be an old message that somebody repeats: it only makes us less patient with the session, and try once more.
            _lastStarted = header.Session;
            if (_session is { } session)
            {
                session.IsSuspect = true;
            }

            _announced.Writer.TryWrite(true);
        }
    }

    private byte[]? Open(DirectionKey key, in MessageHeader header, ulong number, ReadOnlySpan<byte> message)
    {
        var plain = new byte[DirectionKey.PlainBytes(header, message.Length)];
        return IsOpen(key.Open(header, number, message, plain)) ? plain : null;
    }

    private bool IsOpen(OpenError opened)
    {
        switch (opened)
        {
            case OpenError.None:
                return true;
            case OpenError.Closed:
                return false;
            case OpenError.WrongKey:
                Refuse(
                    "wrong key",
                    $"{_options.Source} has another secret under key id '{_options.Key.Id}'",
                    "copy the key anew; a key has the same text on both sides");
                return false;
            default:
                Refuse("tampered", "a message was changed on its way", Suspicion);
                return false;
        }
    }

    private void Refuse(string reason, string cause, string remedy)
    {
        Interlocked.Increment(ref _refusals);
        Volatile.Write(ref _lastRefusal, $"{cause}: {remedy}");
        _causes.Report($"{_options.Source}: {reason}", logger => Refused(logger, _options.Source, cause, remedy));
    }

    [LoggerMessage(1210, LogLevel.Warning, "refused from {Source}: {Cause}; data: nothing is lost, it is asked for again; next: {Remedy}")]
    private static partial void Refused(ILogger logger, string source, string cause, string remedy);
}
