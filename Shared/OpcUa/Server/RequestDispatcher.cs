using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>Finds the service for a request, and the session that it belongs to.</summary>
internal static class RequestDispatcher
{
    /// <summary>Serves a request and queues its answer.</summary>
    /// <returns>Good when there is or will be an answer; else the result for a ServiceFault.</returns>
    public static StatusCode Dispatch(ServerCore core, ServerConnection connection, uint requestId, ServiceRequest request)
    {
        var caller = new Caller(core, connection, requestId, request.Header);
        return request switch
        {
            GetEndpointsRequest r => caller.Answer(new GetEndpointsResponse { Endpoints = core.Endpoints.Describe(r.EndpointUrl) }),
            FindServersRequest r => caller.Answer(new FindServersResponse { Servers = FindServers(core, r) }),
            CreateSessionRequest r => SessionService.Create(caller, r),
            ActivateSessionRequest r => SessionService.Activate(caller, r),
            _ => DispatchInSession(caller, request),
        };
    }

    private static ApplicationDescription[] FindServers(ServerCore core, FindServersRequest request) =>
        request.ServerUris.Length == 0 || request.ServerUris.Contains(core.Options.ApplicationUri)
            ? [core.Endpoints.DescribeServer(request.EndpointUrl)]
            : [];

    private static StatusCode DispatchInSession(in Caller caller, ServiceRequest request)
    {
        lock (caller.Core.Gate)
        {
            var status = caller.Core.Sessions.TryFind(caller.Header.AuthenticationToken, caller.Connection, out var session);
            if (session is null)
            {
                return status;
            }

            session.Touch();
            return request switch
            {
                CloseSessionRequest r => SessionService.Close(caller, session, r),
                CancelRequest r => caller.Answer(new CancelResponse { CancelCount = session.Cancel(r.RequestHandle) }),
                ReadRequest r => AttributeService.Read(caller, r),
                WriteRequest r => AttributeService.Write(caller, r),
                BrowseRequest r => ViewService.Browse(caller, session, r),
                BrowseNextRequest r => ViewService.BrowseNext(caller, session, r),
                TranslateBrowsePathsToNodeIdsRequest r => ViewService.Translate(caller, r),
                CreateSubscriptionRequest r => SubscriptionService.Create(caller, session, r),
                ModifySubscriptionRequest r => SubscriptionService.Modify(caller, session, r),
                SetPublishingModeRequest r => SubscriptionService.SetPublishingMode(caller, session, r),
                DeleteSubscriptionsRequest r => SubscriptionService.Delete(caller, session, r),
                TransferSubscriptionsRequest r => SubscriptionService.Transfer(caller, session, r),
                PublishRequest r => SubscriptionService.Publish(caller, session, r),
                RepublishRequest r => SubscriptionService.Republish(caller, session, r),
                CreateMonitoredItemsRequest r => MonitoredItemService.Create(caller, session, r),
                ModifyMonitoredItemsRequest r => MonitoredItemService.Modify(caller, session, r),
                SetMonitoringModeRequest r => MonitoredItemService.SetMode(caller, session, r),
                DeleteMonitoredItemsRequest r => MonitoredItemService.Delete(caller, session, r),
                _ => StatusCodes.BadServiceUnsupported,
            };
        }
    }
}

/// <summary>Where a request came from.</summary>
/// <param name="Core">The server.</param>
/// <param name="Connection">The connection that it came over.</param>
/// <param name="RequestId">Its number there.</param>
/// <param name="Header">Its header.</param>
internal readonly record struct Caller(ServerCore Core, ServerConnection Connection, uint RequestId, RequestHeader Header)
{
    /// <summary>Queues the answer.</summary>
    /// <returns>Good, so that a service can end with it.</returns>
    public StatusCode Answer<T>(T response)
        where T : ServiceResponse, IServiceMessage
    {
        Connection.Send(RequestId, Header.RequestHandle, response);
        return StatusCode.Good;
    }

    /// <summary>Judges the number of operations in a request.</summary>
    public StatusCode CheckCount(int count) =>
        count == 0 ? StatusCodes.BadNothingToDo
        : count > Core.Options.OperationsMax ? StatusCodes.BadTooManyOperations
        : StatusCode.Good;
}
