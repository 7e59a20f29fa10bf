using System.Text.Json;
using System.Text.Json.Nodes;

namespace ZfRepl.Hosting.Rpc;

/// <summary>What a handler answers: a value, written straight to the caller, or an error. Immutable.</summary>
public sealed class RpcResult
{
    private RpcResult(Func<RpcAnswer, CancellationToken, ValueTask>? write, int errorCode = 0, string errorMessage = "")
    {
        WriteAsync = write;
        ErrorCode = errorCode;
        ErrorMessage = errorMessage;
    }

    /// <summary>Success without a value.</summary>
    public static RpcResult Empty { get; } = Write(writer => writer.WriteNullValue());

    /// <summary>Writes the value; null for an error.</summary>
    internal Func<RpcAnswer, CancellationToken, ValueTask>? WriteAsync { get; }

    internal int ErrorCode { get; }

    internal string ErrorMessage { get; }

    /// <summary>A value that is small enough to be held as a tree.</summary>
    public static RpcResult Json(JsonNode? value) => Write(writer =>
    {
        if (value is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            value.WriteTo(writer);
        }
    });

    /// <summary>A value that the action writes, exactly one; it is held in memory until it is complete.</summary>
    public static RpcResult Write(Action<Utf8JsonWriter> write) => new((answer, _) =>
    {
        write(answer.Writer);
        return ValueTask.CompletedTask;
    });

    /// <summary>A list of any length: each item is one value that the action writes; what was written leaves in pieces on the way.</summary>
    /// <remarks>The items are enumerated while the caller reads. If that fails midway, the caller sees a broken connection.</remarks>
    public static RpcResult List<T>(IEnumerable<T> items, Action<Utf8JsonWriter, T> write) => new(async (answer, cancellationToken) =>
    {
        answer.Writer.WriteStartArray();
        foreach (var item in items)
        {
            write(answer.Writer, item);
            await answer.FlushIfLargeAsync(cancellationToken);
        }

        answer.Writer.WriteEndArray();
    });

    /// <inheritdoc cref="List{T}(IEnumerable{T}, Action{Utf8JsonWriter, T})"/>
    public static RpcResult List<T>(IAsyncEnumerable<T> items, Action<Utf8JsonWriter, T> write) => new(async (answer, cancellationToken) =>
    {
        answer.Writer.WriteStartArray();
        await foreach (var item in items.WithCancellation(cancellationToken))
        {
            write(answer.Writer, item);
            await answer.FlushIfLargeAsync(cancellationToken);
        }

        answer.Writer.WriteEndArray();
    });

    /// <summary>An error.</summary>
    /// <param name="code">One of <see cref="RpcErrorCode"/>.</param>
    /// <param name="message">What went wrong and what to do, without secrets.</param>
    public static RpcResult Error(int code, string message) => new(null, code, message);
}
