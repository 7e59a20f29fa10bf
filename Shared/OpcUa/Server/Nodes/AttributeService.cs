using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>Read and Write (OPC 10000-4, 5.11).</summary>
internal static class AttributeService
{
    private const DataValueFields ServerTime = DataValueFields.ServerTimestamp | DataValueFields.ServerPicoseconds;

    public static StatusCode Read(in Caller caller, ReadRequest request)
    {
        var status = caller.CheckCount(request.NodesToRead.Length);
        if (status.IsBad)
        {
            return status;
        }

        if (request.TimestampsToReturn is < TimestampsToReturn.Source or > TimestampsToReturn.Neither)
        {
            return StatusCodes.BadTimestampsToReturnInvalid;
        }

        if (!(request.MaxAge >= 0))
        {
            return StatusCodes.BadMaxAgeInvalid;
        }

        var space = caller.Core.AddressSpace;
        return caller.Answer(new ReadResponse
        {
            Results = Array.ConvertAll(request.NodesToRead, wanted =>
            {
                var found = Check(space, wanted, out var node);
                return node is null
                    ? new DataValue(found)
                    : MonitoredItem.WithTimestamps(NodeAttributes.Read(node, wanted.AttributeId), request.TimestampsToReturn);
            }),
        });
    }

    public static StatusCode Write(in Caller caller, WriteRequest request)
    {
        var status = caller.CheckCount(request.NodesToWrite.Length);
        if (status.IsBad)
        {
            return status;
        }

        var core = caller.Core;
        return caller.Answer(new WriteResponse { Results = Array.ConvertAll(request.NodesToWrite, value => Write(core, value)) });
    }

    /// <summary>Finds what a client wants to read or to monitor.</summary>
    /// <returns>Good with a node; else what is wrong, without one.</returns>
    public static StatusCode Check(AddressSpace space, ReadValueId wanted, out ServerNode? node)
    {
        if (!space.TryFind(wanted.NodeId, out node))
        {
            return StatusCodes.BadNodeIdUnknown;
        }

        var status = wanted.AttributeId is < AttributeId.NodeId or > AttributeId.UserExecutable ? StatusCodes.BadAttributeIdInvalid
            : !string.IsNullOrEmpty(wanted.IndexRange) ? StatusCodes.BadIndexRangeInvalid
            : !IsBinary(wanted.DataEncoding) ? StatusCodes.BadDataEncodingUnsupported
            : wanted.AttributeId == AttributeId.Value && node.Variable is null ? StatusCodes.BadAttributeIdInvalid
            : StatusCode.Good;
        if (status.IsBad)
        {
            node = null;
        }

        return status;
    }

    private static bool IsBinary(QualifiedName encoding) =>
        string.IsNullOrEmpty(encoding.Name) || (encoding.NamespaceIndex == 0 && encoding.Name == "Default Binary");

    private static StatusCode Write(ServerCore core, WriteValue write)
    {
        if (!core.AddressSpace.TryFind(write.NodeId, out var node))
        {
            return StatusCodes.BadNodeIdUnknown;
        }

        if (write.AttributeId is < AttributeId.NodeId or > AttributeId.UserExecutable)
        {
            return StatusCodes.BadAttributeIdInvalid;
        }

        if (write.AttributeId != AttributeId.Value || node.Variable is not { IsWritable: true } variable)
        {
            return StatusCodes.BadNotWritable;
        }

        if (!string.IsNullOrEmpty(write.IndexRange) || (write.Value.Fields & ServerTime) != DataValueFields.None)
        {
            return StatusCodes.BadWriteNotSupported;
        }

        var value = write.Value.Value;
        if (variable.Type != BuiltInType.Null && (value.Type != variable.Type || value.Shape != variable.Shape))
        {
            return StatusCodes.BadTypeMismatch;
        }

        var hasSource = (write.Value.Fields & DataValueFields.SourceTimestamp) != DataValueFields.None;
        variable.Write(hasSource ? write.Value : write.Value with
        {
            SourceTimestamp = UaDateTime.From(core.Time.GetUtcNow()),
            Fields = write.Value.Fields | DataValueFields.SourceTimestamp,
        });
        return StatusCode.Good;
    }
}
