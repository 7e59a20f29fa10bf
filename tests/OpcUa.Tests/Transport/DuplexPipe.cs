using System.IO.Pipelines;
using ZfRepl.OpcUa.Transport;

namespace ZfRepl.OpcUa.Tests.Transport;

/// <summary>Two connected ends in memory.</summary>
internal static class DuplexPipe
{
    public static (Stream Left, Stream Right) Create()
    {
        var there = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var back = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        return (new Joined(back.Reader.AsStream(), there.Writer.AsStream()), new Joined(there.Reader.AsStream(), back.Writer.AsStream()));
    }

    public static (UaConnection Left, UaConnection Right) Connections(int chunkBytesMax = 65_535)
    {
        var (left, right) = Create();
        return (new UaConnection(left, chunkBytesMax), new UaConnection(right, chunkBytesMax));
    }

    private sealed class Joined(Stream reads, Stream writes) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => writes.Flush();

        public override int Read(byte[] buffer, int offset, int count) => reads.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            reads.ReadAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => writes.Write(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            writes.WriteAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            writes.Dispose();
            reads.Dispose();
            base.Dispose(disposing);
        }
    }
}
