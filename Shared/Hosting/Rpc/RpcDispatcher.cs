using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using ZfRepl.Core.Bytes;
using ZfRepl.Hosting.Configuration;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Hosting.Rpc;

/// <summary>What a service answers while it starts and whatever else it does.</summary>
/// <param name="Methods">The methods of the service itself.</param>
/// <param name="BuiltIn">Methods that every service has; those whose name is in <paramref name="Always"/> answer before it is ready.</param>
/// <param name="Always">Names of built-in methods that do not wait for readiness and are never turned away as busy.</param>
internal sealed record RpcSurface(RpcMethods Methods, RpcMethods BuiltIn, IReadOnlySet<string> Always);

/// <summary>JSON-RPC 2.0: request bytes → calls → answer bytes. Knows nothing of sockets or HTTP.</summary>
/// <remarks>Thread-safe. Calls of one batch run one after the other; calls of different requests run at the same time, up to a limit.</remarks>
internal sealed class RpcDispatcher(RpcSurface surface, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = RpcLimits.DepthMax, AllowDuplicateProperties = false };

    private readonly ParameterDecoder _decoder = new(time);
    private readonly SemaphoreSlim _places = new(RpcLimits.CallsMax);

    /// <summary>Handles one request body.</summary>
    /// <param name="body">The bytes of the request.</param>
    /// <param name="output">Where the answer goes.</param>
    /// <param name="work">Ends when nobody wants the handlers to go on: the caller is gone or the service stops.</param>
    /// <param name="caller">Ends when the caller is gone. An answer that is ready leaves even while the service stops.</param>
    /// <returns>False when there is nothing to answer, because all of it were notifications.</returns>
    /// <exception cref="AnswerBrokenException">An answer failed after a part of it was sent; the connection must be cut.</exception>
    public async Task<bool> HandleAsync(Stream body, Stream output, CancellationToken work, CancellationToken caller)
    {
        JsonDocument document;
        try
        {
            document = await JsonDocument.ParseAsync(body, Strict, caller);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second is what the parser throws for two names of which one is no valid Unicode.
            await RefuseAsync(output, RpcErrorCode.Parse, $"the body is not JSON: {OutsideText.Show(e.Message, 200)}", caller);
            return true;
        }

        using (document)
        {
            if (!JsonUnicode.IsValid(document.RootElement))
            {
                await RefuseAsync(output, RpcErrorCode.Parse, "a text in the body is no valid Unicode", caller);
                return true;
            }

            return document.RootElement.ValueKind == JsonValueKind.Array
                ? await HandleBatchAsync(document.RootElement, output, work, caller)
                : await HandleOneAsync(document.RootElement, output, "", work, caller);
        }
    }

    /// <summary>Answers with an error that belongs to no call.</summary>
    public static async Task RefuseAsync(Stream output, int code, string message, CancellationToken cancellationToken)
    {
        using var answer = new RpcAnswer(output);
        WriteError(answer.Writer, id: null, code, message);
        await answer.SendAsync(cancellationToken);
    }

    public void Dispose() => _places.Dispose();

    private async Task<bool> HandleBatchAsync(JsonElement batch, Stream output, CancellationToken work, CancellationToken caller)
    {
        var count = batch.GetArrayLength();
        if (count is 0 or > RpcLimits.BatchMax)
        {
            var problem = $"a batch holds 1 to {RpcLimits.BatchMax} calls, this one holds {count}";
            await RefuseAsync(output, RpcErrorCode.InvalidRequest, problem, caller);
            return true;
        }

        var isAnswered = false;
        foreach (var request in batch.EnumerateArray())
        {
            isAnswered |= await HandleOneAsync(request, output, isAnswered ? "," : "[", work, caller);
        }

        if (isAnswered)
        {
            await output.WriteAsync("]"u8.ToArray(), caller);
        }

        return isAnswered;
    }

    private async Task<bool> HandleOneAsync(JsonElement request, Stream output, string before, CancellationToken work, CancellationToken caller)
    {
        var problem = Check(request, out var method, out var id, out var parameters);
        var result = problem is null
            ? await CallAsync(method, parameters, work)
            : RpcResult.Error(RpcErrorCode.InvalidRequest, problem);
        if (problem is null && id is null)
        {
            return false;
        }

        await output.WriteAsync(Encoding.ASCII.GetBytes(before), caller);
        await AnswerAsync(output, method, id, result, work, caller);
        return true;
    }

    /// <summary>Null for a well-formed request, else what is wrong. The id is null for a notification and where it cannot be told.</summary>
    private static string? Check(JsonElement request, out string method, out JsonElement? id, out JsonElement? parameters)
    {
        (method, id, parameters) = ("", null, null);
        if (request.ValueKind != JsonValueKind.Object)
        {
            return "a request is an object";
        }

        if (request.TryGetProperty("id", out var givenId))
        {
            if (givenId.ValueKind is not (JsonValueKind.String or JsonValueKind.Number or JsonValueKind.Null))
            {
                return "the id is neither a text nor a number nor null";
            }

            id = givenId;
        }

        if (!request.TryGetProperty("jsonrpc", out var version) || version.ValueKind != JsonValueKind.String || version.GetString() != "2.0")
        {
            return "the member jsonrpc is not \"2.0\"";
        }

        if (!request.TryGetProperty("method", out var name) || name.ValueKind != JsonValueKind.String)
        {
            return "the member method is not a text";
        }

        method = name.GetString()!;
        parameters = request.TryGetProperty("params", out var given) ? given : null;
        return parameters is null or { ValueKind: JsonValueKind.Object or JsonValueKind.Array }
            ? null
            : "the member params is neither a map nor a list";
    }

    private async Task<RpcResult> CallAsync(string name, JsonElement? parameters, CancellationToken cancellationToken)
    {
        var isAlways = surface.Always.Contains(name);
        if (surface.Methods.Ready is not { } own && !isAlways)
        {
            return RpcResult.Error(RpcErrorCode.NotReady, "the service has not finished starting; try again, or ask `health`");
        }

        if (Find(name) is not { } method)
        {
            return UnknownMethod(name);
        }

        var values = _decoder.Decode(method, parameters, out var error);
        if (values is null)
        {
            return error!;
        }

        if (isAlways)
        {
            return await RunAsync(method, values, cancellationToken);
        }

        if (!_places.Wait(0, CancellationToken.None))
        {
            return RpcResult.Error(RpcErrorCode.Busy, $"{RpcLimits.CallsMax} calls are in progress; try again");
        }

        try
        {
            return await RunAsync(method, values, cancellationToken);
        }
        finally
        {
            _places.Release();
        }
    }

    private async Task<RpcResult> RunAsync(RpcMethod method, Dictionary<string, object> values, CancellationToken cancellationToken)
    {
        try
        {
            return await method.Handler(new RpcCall(method, values), cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return RpcResult.Error(RpcErrorCode.Aborted, "aborted: the caller went away or the service stops");
        }
        catch (Exception e)
        {
            // The edge between the service and its callers: a handler's defect must neither stop the collection of data nor stay unseen.
            HostingLog.HandlerFailed(logger, method.Name, e);
            return RpcResult.Error(RpcErrorCode.Internal, $"{method.Name} failed by a defect of the service; its log has the reason");
        }
    }

    private RpcMethod? Find(string name) =>
        surface.BuiltIn.Ready!.GetValueOrDefault(name) ?? surface.Methods.Ready?.GetValueOrDefault(name);

    private RpcResult UnknownMethod(string name)
    {
        var known = surface.BuiltIn.Ready!.Keys.Concat(surface.Methods.Ready?.Keys ?? []);
        var nearest = NearestName.Find(name, known);
        var remedy = nearest is null ? "`info` lists all" : $"did you mean `{nearest}`?";
        return RpcResult.Error(RpcErrorCode.MethodNotFound, $"unknown method `{OutsideText.Show(name)}` ({remedy})");
    }

    private async Task AnswerAsync(
        Stream output, string method, JsonElement? id, RpcResult result, CancellationToken work, CancellationToken caller)
    {
        using var answer = new RpcAnswer(output);
        if (result.WriteAsync is null)
        {
            WriteError(answer.Writer, id, result.ErrorCode, result.ErrorMessage);
        }
        else
        {
            await WriteValueAsync(answer, method, id, result.WriteAsync, work);
        }

        await answer.SendAsync(caller);
    }

    private async Task WriteValueAsync(
        RpcAnswer answer, string method, JsonElement? id, Func<RpcAnswer, CancellationToken, ValueTask> write, CancellationToken cancellationToken)
    {
        WriteHead(answer.Writer, id);
        answer.Writer.WritePropertyName("result");
        try
        {
            await write(answer, cancellationToken);
            answer.Writer.WriteEndObject();
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // As in RunAsync; what was sent cannot be taken back, so the caller must see the connection break.
            HostingLog.HandlerFailed(logger, method, e);
            if (answer.IsPartlySent)
            {
                throw new AnswerBrokenException(method, e);
            }

            answer.TakeBack();
            WriteError(answer.Writer, id, RpcErrorCode.Internal, $"{method} failed while it wrote its answer; the service's log has the reason");
        }
    }

    private static void WriteHead(Utf8JsonWriter writer, JsonElement? id)
    {
        writer.WriteStartObject();
        writer.WriteString("jsonrpc", "2.0");
        writer.WritePropertyName("id");
        if (id is { } known)
        {
            known.WriteTo(writer);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static void WriteError(Utf8JsonWriter writer, JsonElement? id, int code, string message)
    {
        WriteHead(writer, id);
        writer.WriteStartObject("error");
        writer.WriteNumber("code", code);
        writer.WriteString("message", message);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}

/// <summary>An answer could not be completed after a part of it had left.</summary>
internal sealed class AnswerBrokenException(string method, Exception inner) : Exception($"The answer of {method} broke off.", inner);
