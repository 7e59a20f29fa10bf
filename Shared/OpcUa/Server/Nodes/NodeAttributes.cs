using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>The attributes of nodes (OPC 10000-3, clause 5). Thread-safe.</summary>
internal static class NodeAttributes
{
    private const byte CurrentRead = 1;
    private const byte CurrentWrite = 2;
    private const int ScalarRank = -1;

    /// <summary>An attribute, or BadAttributeIdInvalid as its status.</summary>
    public static DataValue Read(ServerNode node, AttributeId attribute)
    {
        var value = attribute switch
        {
            AttributeId.NodeId => new Variant(node.Id),
            AttributeId.NodeClass => new Variant((int)node.NodeClass),
            AttributeId.BrowseName => new Variant(node.BrowseName),
            AttributeId.DisplayName => new Variant(node.DisplayName),
            AttributeId.Description => new Variant(new LocalizedText(null)),
            AttributeId.WriteMask or AttributeId.UserWriteMask => new Variant(0u),
            _ => node.NodeClass switch
            {
                NodeClasses.Variable => ReadVariable(node.Variable!, attribute),
                NodeClasses.Object when attribute == AttributeId.EventNotifier => new Variant((byte)0),
                _ => ReadType(node, attribute),
            },
        };
        return attribute == AttributeId.Value && node.Variable is { } variable ? variable.Value
            : value.IsNull ? new DataValue(StatusCodes.BadAttributeIdInvalid)
            : new DataValue(value);
    }

    /// <summary>The data type of a value; the ids of the simple types are the numbers of the encoding.</summary>
    public static NodeId DataTypeOf(BuiltInType type) =>
        new(type == BuiltInType.Null ? WellKnownNodes.BaseDataType : (uint)type);

    private static Variant ReadVariable(Variable variable, AttributeId attribute) => attribute switch
    {
        AttributeId.DataType => new Variant(DataTypeOf(variable.Type)),
        AttributeId.ValueRank => new Variant(RankOf(variable)),
        AttributeId.ArrayDimensions => Variant.Array(BuiltInType.UInt32, new uint[Math.Max(0, RankOf(variable))]),
        AttributeId.AccessLevel or AttributeId.UserAccessLevel =>
            new Variant((byte)(CurrentRead | (variable.IsWritable ? CurrentWrite : 0))),
        AttributeId.MinimumSamplingInterval => new Variant(0.0),
        AttributeId.Historizing => new Variant(false),
        _ => Variant.Null,
    };

    private static int RankOf(Variable variable) => variable.Shape switch
    {
        VariantShape.Array => 1,
        VariantShape.Matrix => variable.DimensionCount,
        _ => ScalarRank,
    };

    private static Variant ReadType(ServerNode node, AttributeId attribute) => (node.NodeClass, attribute) switch
    {
        (NodeClasses.Object, _) => Variant.Null,
        (_, AttributeId.IsAbstract) => new Variant(false),
        (NodeClasses.ReferenceType, AttributeId.Symmetric) => new Variant(false),
        (NodeClasses.ReferenceType, AttributeId.InverseName) => new Variant(new LocalizedText(null)),
        (NodeClasses.VariableType, AttributeId.DataType) => new Variant(new NodeId(WellKnownNodes.BaseDataType)),
        (NodeClasses.VariableType, AttributeId.ValueRank) => new Variant(-2),
        _ => Variant.Null,
    };
}
