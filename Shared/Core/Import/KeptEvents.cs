using ZfRepl.Core.Blocks;
using ZfRepl.Core.Bytes;
using ZfRepl.Core.Frames;
using ZfRepl.Core.Sinks;
using ZfRepl.Core.Storage;
using ZfRepl.Core.Telemetry;

namespace ZfRepl.Core.Import;

/// <summary>
/// Single events of a block that are kept aside, as a block file without an end: the block's own header, and frames with the events under
/// their own sequence numbers. Every tool that reads blocks reads it too. Collects for one block; not thread-safe.
/// </summary>
public sealed class KeptEvents
{
    /// <summary>How many events go into one file at most.</summary>
    public const int MaxEvents = 65_536;

    private const int FrameTargetBytes = 256 * 1024;
    private const int FileTargetBytes = 8 * 1024 * 1024;

    private readonly EventFrameBuilder _builder = new();
    private readonly ByteWriter _frames = new();
    private StreamId _stream;
    private ulong _firstSequence;
    private ulong _frameSequence;
    private ulong _nextSequence;
    private OidTable? _oids;
    private ushort _commit;

    /// <summary>How many events are collected.</summary>
    public int Count { get; private set; }

    /// <summary>True when a file of them is full.</summary>
    public bool IsFull => Count >= MaxEvents || _frames.Length >= FileTargetBytes;

    /// <summary>Collects an event; their sequence numbers ascend.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="batch">Holds it.</param>
    /// <param name="index">Its place in the batch.</param>
    /// <param name="sequence">Its sequence number.</param>
    public void Add(StreamId stream, EventBatch batch, int index, ulong sequence)
    {
        if (Count == 0)
        {
            (_stream, _firstSequence, _oids) = (stream, sequence, batch.Oids);
        }

        if (_builder.Count > 0 && (sequence != _nextSequence || !ReferenceEquals(_oids, batch.Oids) || _builder.EstimatedBytes >= FrameTargetBytes))
        {
            FinishFrame();
        }

        if (_builder.Count == 0)
        {
            (_frameSequence, _oids) = (sequence, batch.Oids);
        }

        _builder.Append(batch, index);
        _nextSequence = sequence + 1;
        Count++;
    }

    /// <summary>The file's bytes; the collection is empty afterwards.</summary>
    /// <param name="block">The block that the events are of.</param>
    /// <param name="nowNs">The wall clock, nanoseconds since 1970.</param>
    public byte[] Take(SinkBlock block, long nowNs)
    {
        FinishFrame();
        var header = new BlockHeader(_stream, block.Key.Index, _firstSequence, nowNs, block.Node, block.Mailbox).ToBytes();
        byte[] bytes = [.. header, .. _frames.Written];
        Clear();
        return bytes;
    }

    /// <summary>Forgets what was collected.</summary>
    public void Clear()
    {
        _builder.Reset();
        _frames.Clear();
        Count = 0;
        _commit = 0;
    }

    private void FinishFrame()
    {
        if (_builder.Count == 0)
        {
            return;
        }

        // Each frame is a commit of its own: a reader takes the whole ones, should the file ever be cut.
        var offset = _frames.Length;
        _builder.Finish(_frames, _stream.High, _frameSequence, ++_commit);
        FrameHeader.MarkCommitEnd(_frames.Patch(offset, FrameHeader.SizeBytes));
    }

    /// <summary>Reads such a file part by part.</summary>
    /// <param name="storage">Where it is.</param>
    /// <param name="path">The file.</param>
    /// <param name="take">Takes a part of the events; ends the reading by returning an answer.</param>
    /// <returns>The answer that ended it, null at the end of the file, or why it can't be read.</returns>
    public static async ValueTask<StorageResult<T?>> ReadAsync<T>(IStorage storage, string path, Func<SinkBatch, ValueTask<T?>> take)
        where T : class
    {
        var opened = storage.Open(path, write: false);
        if (!opened.IsOk)
        {
            return opened.Error;
        }

        using var file = opened.Value;
        var head = BlockHeaderFile.Read(storage, path);
        if (!head.IsOk)
        {
            return head.Error;
        }

        if (head.Value is not { } header)
        {
            return new StorageError(StorageOperation.Read, path, 0, "its header can't be read");
        }

        var reader = BlockEventReader.Open(file, header.Stream, new EventBatch(new OidTable()), MaxEvents, long.MaxValue);
        if (!reader.IsOk)
        {
            return reader.Error;
        }

        var block = new SinkBlock(new BlockKey(header.Stream, header.Index, new BlockHash(new byte[BlockHash.SizeBytes])), header.Node, header.Mailbox);
        do
        {
            var next = reader.Value.Next();
            if (!next.IsOk)
            {
                return next.Error;
            }

            if (reader.Value.Count > 0 && await take(new SinkBatch(block, reader.Value.Events, reader.Value.Runs)) is { } answer)
            {
                return answer;
            }
        }
        while (!reader.Value.IsLast);

        return (T?)null;
    }
}
