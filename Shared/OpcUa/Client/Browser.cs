using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>Follows one node's references through all continuation points, and releases the point when it gives up.</summary>
internal sealed class Browser(Session session, int referencesPerCall)
{
    private const int NodesMax = 1_000_000;

    public async Task<UaResult<IReadOnlyList<BrowsedNode>>> BrowseAsync(NodeId node, CancellationToken cancellationToken)
    {
        var first = await session.CallAsync<BrowseRequest, BrowseResponse>(
            new BrowseRequest
            {
                RequestedMaxReferencesPerNode = (uint)referencesPerCall,
                NodesToBrowse =
                [
                    new BrowseDescription
                    {
                        NodeId = node,
                        BrowseDirection = BrowseDirection.Forward,
                        ReferenceTypeId = new NodeId(WellKnownNodes.HierarchicalReferences),
                        IncludeSubtypes = true,
                    },
                ],
            },
            cancellationToken);
        if (first.Error is { } refused)
        {
            return refused;
        }

        return await FollowAsync(node, first.Value, cancellationToken);
    }

    private async Task<UaResult<IReadOnlyList<BrowsedNode>>> FollowAsync(
        NodeId node, BrowseResultsResponse response, CancellationToken cancellationToken)
    {
        var nodes = new List<BrowsedNode>();
        byte[]? point = null;
        var isDone = false;
        try
        {
            while (true)
            {
                if (response.Results.Length != 1 || response.Results[0].StatusCode.IsBad)
                {
                    var status = response.Results.Length == 1 ? response.Results[0].StatusCode : StatusCodes.BadUnexpectedError;
                    isDone = true;
                    return new UaError(status, $"{node} cannot be browsed");
                }

                var result = response.Results[0];
                nodes.AddRange(result.References.Where(r => r.IsForward && session.Namespaces.TryResolve(r.NodeId, out _)).Select(ToNode));
                point = result.ContinuationPoint is { Length: > 0 } more ? more : null;
                if (point is null)
                {
                    isDone = true;
                    return nodes;
                }

                if (nodes.Count > NodesMax || result.References.Length == 0)
                {
                    return new UaError(
                        StatusCodes.BadEncodingLimitsExceeded,
                        $"{node} refers to more than {NodesMax} nodes, or the server does not come to an end");
                }

                var next = await session.CallAsync<BrowseNextRequest, BrowseNextResponse>(
                    new BrowseNextRequest { ContinuationPoints = [point] }, cancellationToken);
                if (next.Error is { } error)
                {
                    return error;
                }

                response = next.Value;
            }
        }
        finally
        {
            if (!isDone && point is not null && !session.Ended.IsCancellationRequested)
            {
                // Few points are allowed at a time; a failure to release this one leaves it to the end of the session.
                _ = await session.CallAsync<BrowseNextRequest, BrowseNextResponse>(
                    new BrowseNextRequest { ReleaseContinuationPoints = true, ContinuationPoints = [point] }, CancellationToken.None);
            }
        }
    }

    private BrowsedNode ToNode(ReferenceDescription reference)
    {
        _ = session.Namespaces.TryResolve(reference.NodeId, out var node);
        _ = session.Namespaces.TryResolve(reference.TypeDefinition, out var type);
        return new BrowsedNode(node, reference.BrowseName, (NodeClass)(int)reference.NodeClass, type);
    }
}
