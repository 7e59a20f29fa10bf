using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>Somebody who waits for the answer to a request. Exactly one of the two methods is called, once.</summary>
internal abstract class PendingRequest
{
    /// <summary>The whole answer; called on the receive loop, so it must be quick; the bytes are valid during the call.</summary>
    public abstract void Receive(ReadOnlySpan<byte> body);

    /// <summary>There will be no answer.</summary>
    public abstract void Fail(UaError error);
}

/// <summary>A caller that waits for one response.</summary>
/// <typeparam name="TResponse">The response.</typeparam>
internal sealed class PendingResponse<TResponse> : PendingRequest
    where TResponse : ServiceResponse
{
    private readonly TaskCompletionSource<UaResult<TResponse>> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<UaResult<TResponse>> Answer => _answer.Task;

    public override void Receive(ReadOnlySpan<byte> body) => _answer.TrySetResult(Read(body));

    public override void Fail(UaError error) => _answer.TrySetResult(error);

    internal static UaResult<TResponse> Read(ReadOnlySpan<byte> body)
    {
        var decoded = ServiceCodec.Decode(body, DecodeLimits.Default);
        if (decoded.Message is not ServiceResponse response)
        {
            return new UaError(
                decoded.Error.IsError ? decoded.Error.Status : StatusCodes.BadUnknownResponse, $"the response cannot be read: {decoded.Error}");
        }

        if (response.Header.ServiceResult.IsBad)
        {
            return new UaError(response.Header.ServiceResult, $"the server refused {NameOf(typeof(TResponse))}");
        }

        return response is TResponse wanted
            ? wanted
            : new UaError(StatusCodes.BadUnknownResponse, $"the server answered {NameOf(typeof(TResponse))} with {response.GetType().Name}");
    }

    private static string NameOf(Type type) => type.Name.Replace("Response", "", StringComparison.Ordinal);
}
