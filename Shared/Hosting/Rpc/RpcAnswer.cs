using System.Buffers;
using System.Text.Json;

namespace ZfRepl.Hosting.Rpc;

/// <summary>One answer on its way out: gathers JSON and sends it in pieces.</summary>
/// <remarks>As long as nothing was sent, an answer can still be taken back and become an error.</remarks>
internal sealed class RpcAnswer(Stream output) : IDisposable
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private Utf8JsonWriter? _writer;

    public Utf8JsonWriter Writer => _writer ??= new Utf8JsonWriter(_buffer);

    public bool IsPartlySent { get; private set; }

    public async ValueTask FlushIfLargeAsync(CancellationToken cancellationToken)
    {
        if (_buffer.WrittenCount + Writer.BytesPending >= RpcLimits.FlushBytes)
        {
            await SendAsync(cancellationToken);
        }
    }

    /// <summary>Sends all that was written so far.</summary>
    public async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        Writer.Flush();
        await output.WriteAsync(_buffer.WrittenMemory, cancellationToken);
        _buffer.ResetWrittenCount();
        IsPartlySent = true;
    }

    /// <summary>Forgets what was written and not yet sent.</summary>
    public void TakeBack()
    {
        if (IsPartlySent)
        {
            throw new InvalidOperationException("A part of the answer was sent already.");
        }

        Writer.Reset();
        _buffer.ResetWrittenCount();
    }

    public void Dispose() => _writer?.Dispose();
}
