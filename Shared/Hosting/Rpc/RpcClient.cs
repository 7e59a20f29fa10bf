using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ZfRepl.Core.Bytes;

namespace ZfRepl.Hosting.Rpc;

/// <summary>Calls one service over its Unix socket. Thread-safe. Each call connects anew, so a restarted service is found again.</summary>
public sealed class RpcClient : IDisposable
{
    private static readonly Uri Address = new("http://service/");

    private readonly string _socketPath;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    /// <summary>Makes a client; nothing is opened yet.</summary>
    /// <param name="socketPath">The socket, from <see cref="ServiceSockets"/>.</param>
    /// <param name="time">The clock of the timeouts; the system's by default.</param>
    public RpcClient(string socketPath, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(socketPath);
        _socketPath = socketPath;
        _time = time ?? TimeProvider.System;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellationToken) => ConnectAsync(cancellationToken),
            PooledConnectionLifetime = TimeSpan.Zero,
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
        };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = RpcLimits.ResponseBytesMax };
    }

    /// <summary>Calls a method and waits for its answer, of at most 64 MiB.</summary>
    /// <param name="method">The method's name.</param>
    /// <param name="parameters">Its parameters by name; null for none.</param>
    /// <param name="timeout">Longest wait, connecting included. The service learns that nobody waits any more.</param>
    /// <param name="cancellationToken">Ends the call early.</param>
    /// <exception cref="OperationCanceledException">The token ended, and not the timeout.</exception>
    public async Task<RpcReply> CallAsync(string method, JsonObject? parameters, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(method);
        if (Encoding.UTF8.GetByteCount(_socketPath) > ServiceSockets.PathBytesMax)
        {
            return new RpcReply.Unreachable(
                RpcTrouble.NoSocket, $"the socket's path has more than {ServiceSockets.PathBytesMax} bytes: {_socketPath}",
                "choose a shorter folder in bus.path");
        }

        using var limit = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var content = new StringContent(Request(method, parameters), Encoding.UTF8, "application/json");
            using var response = await _http.PostAsync(Address, content, either.Token);
            return Read(await response.Content.ReadAsByteArrayAsync(either.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && limit.IsCancellationRequested)
        {
            return new RpcReply.TimedOut(timeout);
        }
        catch (HttpRequestException e)
        {
            return Explain(e);
        }
    }

    /// <summary>Ends calls in progress.</summary>
    public void Dispose() => _http.Dispose();

    private async ValueTask<Stream> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socketPath), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Request(string method, JsonObject? parameters)
    {
        var request = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method };
        if (parameters is not null)
        {
            request["params"] = parameters.DeepClone();
        }

        return request.ToJsonString();
    }

    private RpcReply Read(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (!JsonUnicode.IsValid(root))
            {
                return Nonsense("the answer holds bytes that are no text");
            }

            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("result", out var result))
            {
                return new RpcReply.Value(result.Clone());
            }

            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object &&
                error.TryGetProperty("code", out var code) && code.ValueKind == JsonValueKind.Number && code.TryGetInt32(out var number) &&
                error.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.String)
            {
                return new RpcReply.RemoteError(number, message.GetString()!);
            }
        }
        catch (JsonException)
        {
            // Falls through: bytes that are not JSON are as much nonsense as JSON that is not an answer.
        }

        return Nonsense("something else than a service answered");
    }

    private RpcReply.Unreachable Explain(HttpRequestException e)
    {
        var why = e switch
        {
            { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => RpcTrouble.Nonsense,
            { HttpRequestError: HttpRequestError.InvalidResponse } => RpcTrouble.Nonsense,
            { InnerException: SocketException } when !File.Exists(_socketPath) => RpcTrouble.NoSocket,
            { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } } => RpcTrouble.Refused,
            { InnerException: SocketException { SocketErrorCode: SocketError.AccessDenied } } => RpcTrouble.Denied,
            _ => RpcTrouble.Broken,
        };
        return why switch
        {
            RpcTrouble.NoSocket => new(why, $"no service listens at {_socketPath}", "start it, or list the services that run"),
            RpcTrouble.Refused => new(why, $"the service at {_socketPath} has died", "look into its log and start it again"),
            RpcTrouble.Denied => new(why, $"this account must not open {_socketPath}", "call as the account that the service runs under"),
            RpcTrouble.Nonsense => Nonsense(e.Message),
            _ => new(why, $"the connection to {_socketPath} broke: {e.Message}",
                "look into the service's log; whether the call took effect is unknown"),
        };
    }

    private RpcReply.Unreachable Nonsense(string what) => new(RpcTrouble.Nonsense, $"{_socketPath}: {what}", "check the path of the socket");
}
