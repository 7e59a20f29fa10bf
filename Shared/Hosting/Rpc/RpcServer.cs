using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ZfRepl.Hosting.Lifetime;
using ZfRepl.Hosting.Logging;

namespace ZfRepl.Hosting.Rpc;

/// <summary>Serves one service's calls over HTTP on its Unix socket. Kestrel without the web framework around it.</summary>
internal sealed class RpcServer : IHttpApplication<HttpContext>, IAsyncDisposable
{
    private readonly SocketClaim _claim;
    private readonly RpcDispatcher _dispatcher;
    private readonly KestrelServer _server;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();

    private RpcServer(SocketClaim claim, RpcDispatcher dispatcher, ILoggerFactory loggers, ILogger logger)
    {
        _claim = claim;
        _dispatcher = dispatcher;
        _logger = logger;
        _server = new KestrelServer(Options.Create(ServerOptions(claim.Path)), Transport(claim, loggers), loggers);
    }

    public string SocketPath => _claim.Path;

    /// <summary>Takes the service's socket and answers from then on; null with the reason when the socket cannot be had.</summary>
    public static async Task<(RpcServer? Server, ServiceFailure? Failure)> StartAsync(
        string folder, string serviceId, RpcSurface surface, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var claim = SocketClaim.Take(folder, serviceId, out var failure);
        if (claim is null)
        {
            return (null, failure);
        }

        var logger = loggers.CreateLogger(serviceId);
        var server = new RpcServer(claim, new RpcDispatcher(surface, time, logger), loggers, logger);
        try
        {
            await server._server.StartAsync(server, cancellationToken);
            return (server, null);
        }
        catch (Exception e) when (e is IOException or SocketException or UnauthorizedAccessException)
        {
            await server.DisposeAsync();
            return (null, new ServiceFailure(ExitCode.Failed, $"the socket {claim.Path} cannot be opened: {e.Message}", "check bus.path"));
        }
    }

    /// <summary>Turns new calls away, cancels those in progress, and waits for their answers until the token ends.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _server.StopAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _server.Dispose();
        if (_claim.RemoveSocket() is { } problem)
        {
            HostingLog.SocketStays(_logger, _claim.Path, problem);
        }

        _claim.Dispose();
        _dispatcher.Dispose();
        _stopping.Dispose();
    }

    HttpContext IHttpApplication<HttpContext>.CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    void IHttpApplication<HttpContext>.DisposeContext(HttpContext context, Exception? exception)
    {
    }

    async Task IHttpApplication<HttpContext>.ProcessRequestAsync(HttpContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping.Token);
        context.Response.ContentType = "application/json";
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            context.Response.Headers.Allow = "POST";
            await RpcDispatcher.RefuseAsync(context.Response.Body, RpcErrorCode.InvalidRequest, "calls are sent with POST", context.RequestAborted);
            return;
        }

        try
        {
            if (!await _dispatcher.HandleAsync(context.Request.Body, context.Response.Body, ended.Token, context.RequestAborted))
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                context.Response.ContentType = null;
            }
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            context.Response.StatusCode = e.StatusCode;
            await RpcDispatcher.RefuseAsync(context.Response.Body, RpcErrorCode.InvalidRequest, e.Message, context.RequestAborted);
        }
        catch (AnswerBrokenException)
        {
            context.Abort();
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            HostingLog.CallerGone(_logger);
            context.Abort();
        }
    }

    private static KestrelServerOptions ServerOptions(string path)
    {
        var options = new KestrelServerOptions { AddServerHeader = false };
        options.ListenUnixSocket(path, listen => listen.Protocols = HttpProtocols.Http1);
        options.Limits.MaxRequestBodySize = RpcLimits.BodyBytesMax;
        options.Limits.MaxConcurrentConnections = RpcLimits.ConnectionsMax;
        return options;
    }

    private static SocketTransportFactory Transport(SocketClaim claim, ILoggerFactory loggers) =>
        new(Options.Create(new SocketTransportOptions { CreateBoundListenSocket = _ => claim.Bind() }), loggers);
}
