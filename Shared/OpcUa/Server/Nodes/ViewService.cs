using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>Browse, BrowseNext and TranslateBrowsePathsToNodeIds (OPC 10000-4, 5.9). Called under the gate.</summary>
internal static class ViewService
{
    private const int PathElementsMax = 100;

    /// <summary>More references than this in one answer over all nodes are left for BrowseNext.</summary>
    private const int ReferencesPerAnswerMax = 20_000;

    [Flags]
    private enum Fields : uint
    {
        None = 0,
        ReferenceType = 1,
        IsForward = 2,
        NodeClass = 4,
        BrowseName = 8,
        DisplayName = 16,
        TypeDefinition = 32,
    }

    public static StatusCode Browse(in Caller caller, ServerSession session, BrowseRequest request)
    {
        var status = caller.CheckCount(request.NodesToBrowse.Length);
        if (status.IsBad)
        {
            return status;
        }

        if (!request.View.ViewId.IsNull)
        {
            return StatusCodes.BadViewIdUnknown;
        }

        var core = caller.Core;
        var most = core.Options.ReferencesPerNodeMax;
        var perNode = request.RequestedMaxReferencesPerNode == 0 ? most : (int)Math.Min(request.RequestedMaxReferencesPerNode, (uint)most);
        var room = ReferencesPerAnswerMax;
        return caller.Answer(new BrowseResponse
        {
            Results = Array.ConvertAll(request.NodesToBrowse, wanted =>
            {
                var found = Check(core.AddressSpace, wanted, out var node);
                return found.IsBad
                    ? new BrowseResult { StatusCode = found }
                    : BrowseFrom(session, new BrowseContinuation(node!, wanted, 0, perNode), ref room);
            }),
        });
    }

    public static StatusCode BrowseNext(in Caller caller, ServerSession session, BrowseNextRequest request)
    {
        var status = caller.CheckCount(request.ContinuationPoints.Length);
        if (status.IsBad)
        {
            return status;
        }

        var core = caller.Core;
        var room = ReferencesPerAnswerMax;
        return caller.Answer(new BrowseNextResponse
        {
            Results = Array.ConvertAll(request.ContinuationPoints, point => session.Continuations.Take(point) is { } continuation
                ? request.ReleaseContinuationPoints ? new BrowseResult() : BrowseFrom(session, continuation, ref room)
                : new BrowseResult { StatusCode = StatusCodes.BadContinuationPointInvalid }),
        });
    }

    public static StatusCode Translate(in Caller caller, TranslateBrowsePathsToNodeIdsRequest request)
    {
        var status = caller.CheckCount(request.BrowsePaths.Length);
        var core = caller.Core;
        return status.IsBad ? status : caller.Answer(new TranslateBrowsePathsToNodeIdsResponse
        {
            Results = Array.ConvertAll(request.BrowsePaths, path => Translate(core.AddressSpace, path)),
        });
    }

    private static StatusCode Check(AddressSpace space, BrowseDescription wanted, out ServerNode? node) =>
        !space.TryFind(wanted.NodeId, out node) ? StatusCodes.BadNodeIdUnknown
        : wanted.BrowseDirection is < BrowseDirection.Forward or > BrowseDirection.Both ? StatusCodes.BadBrowseDirectionInvalid
        : !wanted.ReferenceTypeId.IsNull && !StandardNodes.IsReferenceType(wanted.ReferenceTypeId) ? StatusCodes.BadReferenceTypeIdInvalid
        : StatusCode.Good;

    private static BrowseResult BrowseFrom(ServerSession session, BrowseContinuation continuation, ref int room)
    {
        var (node, wanted, index, most) = continuation;
        var references = new List<ReferenceDescription>();
        for (; node.TryGetReference(index, out var reference); index++)
        {
            if (!Matches(wanted, reference))
            {
                continue;
            }

            if (references.Count >= most || (room <= 0 && references.Count > 0))
            {
                var point = session.Continuations.TryAdd(continuation with { NextIndex = index });
                return point is null
                    ? new BrowseResult { StatusCode = StatusCodes.BadNoContinuationPoints }
                    : new BrowseResult { ContinuationPoint = point, References = [.. references] };
            }

            references.Add(Describe(wanted, reference));
            room--;
        }

        return new BrowseResult { References = [.. references] };
    }

    private static bool Matches(BrowseDescription wanted, in NodeReference reference)
    {
        var direction = wanted.BrowseDirection;
        return (direction == BrowseDirection.Both || reference.IsForward == (direction == BrowseDirection.Forward))
            && (wanted.NodeClassMask == NodeClasses.None || (wanted.NodeClassMask & reference.Target.NodeClass) != NodeClasses.None)
            && StandardNodes.IsReferenceOf(reference.TypeId, wanted.ReferenceTypeId, wanted.IncludeSubtypes);
    }

    private static ReferenceDescription Describe(BrowseDescription wanted, in NodeReference reference)
    {
        var fields = (Fields)wanted.ResultMask;
        var target = reference.Target;
        return new ReferenceDescription
        {
            ReferenceTypeId = fields.HasFlag(Fields.ReferenceType) ? new NodeId(reference.TypeId) : NodeId.Null,
            IsForward = fields.HasFlag(Fields.IsForward) && reference.IsForward,
            NodeId = target.Id,
            BrowseName = fields.HasFlag(Fields.BrowseName) ? target.BrowseName : default,
            DisplayName = fields.HasFlag(Fields.DisplayName) ? target.DisplayName : default,
            NodeClass = fields.HasFlag(Fields.NodeClass) ? target.NodeClass : NodeClasses.None,
            TypeDefinition = fields.HasFlag(Fields.TypeDefinition) ? new NodeId(target.TypeDefinition) : NodeId.Null,
        };
    }

    private static BrowsePathResult Translate(AddressSpace space, BrowsePath path)
    {
        if (!space.TryFind(path.StartingNode, out var start))
        {
            return new BrowsePathResult(StatusCodes.BadNodeIdUnknown, []);
        }

        if (path.Elements.Length == 0)
        {
            return new BrowsePathResult(StatusCodes.BadNothingToDo, []);
        }

        if (path.Elements.Length > PathElementsMax)
        {
            return new BrowsePathResult(StatusCodes.BadTooManyMatches, []);
        }

        var node = start;
        foreach (var element in path.Elements)
        {
            node = Follow(node, element);
            if (node is null)
            {
                return new BrowsePathResult(StatusCodes.BadNoMatch, []);
            }
        }

        return new BrowsePathResult(StatusCode.Good, [new BrowsePathTarget(node.Id, BrowsePathTarget.Complete)]);
    }

    /// <summary>The first match; our own browse names are unique below each parent unless the application makes them otherwise.</summary>
    private static ServerNode? Follow(ServerNode node, RelativePathElement element)
    {
        for (var i = 0; node.TryGetReference(i, out var reference); i++)
        {
            if (reference.IsForward == !element.IsInverse && reference.Target.BrowseName == element.TargetName
                && StandardNodes.IsReferenceOf(reference.TypeId, element.ReferenceTypeId, element.IncludeSubtypes))
            {
                return reference.Target;
            }
        }

        return null;
    }
}
