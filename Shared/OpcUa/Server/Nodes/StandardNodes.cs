using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Server;

/// <summary>
/// The nodes of namespace 0 that clients look for (OPC 10000-5): the folders, the types that our nodes use, and the Server object.
/// </summary>
internal static class StandardNodes
{
    private const uint HasChild = 34;
    private const uint NonHierarchicalReferences = 32;
    private const uint HasEncoding = 38;
    private const uint HasEventSource = 36;
    private const uint HasModellingRule = 37;
    private const uint ServerType = 2004;
    private const uint ServerCapabilitiesType = 2013;
    private const uint ServerRedundancyType = 2034;
    private const uint ServerStatusType = 2138;
    private const uint BuildInfoType = 3051;
    private const uint OperationLimitsType = 11564;
    private const uint ServerStatusEncoding = 864;
    private const uint BuildInfoEncoding = 340;
    private const byte ServiceLevelHealthy = 255;

    /// <summary>Types as id, name, class and the type or folder above; those above come first.</summary>
    private static readonly (uint Id, string Name, NodeClasses Class, uint Above)[] Types =
    [
        (WellKnownNodes.References, "References", NodeClasses.ReferenceType, 91),
        (WellKnownNodes.HierarchicalReferences, "HierarchicalReferences", NodeClasses.ReferenceType, WellKnownNodes.References),
        (NonHierarchicalReferences, "NonHierarchicalReferences", NodeClasses.ReferenceType, WellKnownNodes.References),
        (HasChild, "HasChild", NodeClasses.ReferenceType, WellKnownNodes.HierarchicalReferences),
        (WellKnownNodes.Organizes, "Organizes", NodeClasses.ReferenceType, WellKnownNodes.HierarchicalReferences),
        (HasEventSource, "HasEventSource", NodeClasses.ReferenceType, WellKnownNodes.HierarchicalReferences),
        (WellKnownNodes.Aggregates, "Aggregates", NodeClasses.ReferenceType, HasChild),
        (WellKnownNodes.HasSubtype, "HasSubtype", NodeClasses.ReferenceType, HasChild),
        (WellKnownNodes.HasProperty, "HasProperty", NodeClasses.ReferenceType, WellKnownNodes.Aggregates),
        (WellKnownNodes.HasComponent, "HasComponent", NodeClasses.ReferenceType, WellKnownNodes.Aggregates),
        (WellKnownNodes.HasTypeDefinition, "HasTypeDefinition", NodeClasses.ReferenceType, NonHierarchicalReferences),
        (HasModellingRule, "HasModellingRule", NodeClasses.ReferenceType, NonHierarchicalReferences),
        (HasEncoding, "HasEncoding", NodeClasses.ReferenceType, NonHierarchicalReferences),
        (WellKnownNodes.BaseObjectType, "BaseObjectType", NodeClasses.ObjectType, 88),
        (WellKnownNodes.FolderType, "FolderType", NodeClasses.ObjectType, WellKnownNodes.BaseObjectType),
        (ServerType, "ServerType", NodeClasses.ObjectType, WellKnownNodes.BaseObjectType),
        (ServerCapabilitiesType, "ServerCapabilitiesType", NodeClasses.ObjectType, WellKnownNodes.BaseObjectType),
        (OperationLimitsType, "OperationLimitsType", NodeClasses.ObjectType, WellKnownNodes.FolderType),
        (ServerRedundancyType, "ServerRedundancyType", NodeClasses.ObjectType, WellKnownNodes.BaseObjectType),
        (62, "BaseVariableType", NodeClasses.VariableType, 89),
        (WellKnownNodes.BaseDataVariableType, "BaseDataVariableType", NodeClasses.VariableType, 62),
        (WellKnownNodes.PropertyType, "PropertyType", NodeClasses.VariableType, 62),
        (ServerStatusType, "ServerStatusType", NodeClasses.VariableType, WellKnownNodes.BaseDataVariableType),
        (BuildInfoType, "BuildInfoType", NodeClasses.VariableType, WellKnownNodes.BaseDataVariableType),
        (WellKnownNodes.BaseDataType, "BaseDataType", NodeClasses.DataType, 90),
        (26, "Number", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (27, "Integer", NodeClasses.DataType, 26),
        (28, "UInteger", NodeClasses.DataType, 26),
        (1, "Boolean", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (2, "SByte", NodeClasses.DataType, 27),
        (3, "Byte", NodeClasses.DataType, 28),
        (4, "Int16", NodeClasses.DataType, 27),
        (5, "UInt16", NodeClasses.DataType, 28),
        (6, "Int32", NodeClasses.DataType, 27),
        (7, "UInt32", NodeClasses.DataType, 28),
        (8, "Int64", NodeClasses.DataType, 27),
        (9, "UInt64", NodeClasses.DataType, 28),
        (10, "Float", NodeClasses.DataType, 26),
        (11, "Double", NodeClasses.DataType, 26),
        (12, "String", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (13, "DateTime", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (14, "Guid", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (15, "ByteString", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (16, "XmlElement", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (17, "NodeId", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (18, "ExpandedNodeId", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (19, "StatusCode", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (20, "QualifiedName", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (21, "LocalizedText", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (22, "Structure", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (23, "DataValue", NodeClasses.DataType, WellKnownNodes.BaseDataType),
        (25, "DiagnosticInfo", NodeClasses.DataType, WellKnownNodes.BaseDataType),
    ];

    private static readonly Dictionary<uint, uint> ReferenceSupertypes = Types
        .Where(t => t.Class == NodeClasses.ReferenceType && t.Above != 91).ToDictionary(t => t.Id, t => t.Above);

    /// <summary>The reference type from which another one is derived; null for the topmost and for unknown ones.</summary>
    private static uint? SupertypeOfReference(uint typeId) => ReferenceSupertypes.TryGetValue(typeId, out var super) ? super : null;

    /// <summary>True when there is such a reference type.</summary>
    public static bool IsReferenceType(NodeId id) =>
        id.IsNumeric(WellKnownNodes.References) || (id.IsNumeric(id.Number) && ReferenceSupertypes.ContainsKey(id.Number));

    /// <summary>True when the reference type is the wanted one or, if asked for, derived from it.</summary>
    public static bool IsReferenceOf(uint typeId, NodeId wanted, bool includeSubtypes)
    {
        if (wanted.IsNull || wanted.IsNumeric(typeId))
        {
            return true;
        }

        if (!includeSubtypes)
        {
            return false;
        }

        var next = typeId;
        while (SupertypeOfReference(next) is { } super)
        {
            if (wanted.IsNumeric(super))
            {
                return true;
            }

            next = super;
        }

        return false;
    }

    /// <summary>Fills an empty address space.</summary>
    public static AddressSpace Create(UaServerOptions options, TimeProvider time)
    {
        var space = new AddressSpace(time);
        var builder = new Builder(space, time);
        var root = builder.Object(null, 0, WellKnownNodes.RootFolder, "Root", WellKnownNodes.FolderType);
        var objects = builder.Object(root, WellKnownNodes.Organizes, WellKnownNodes.ObjectsFolder, "Objects", WellKnownNodes.FolderType);
        var types = builder.Object(root, WellKnownNodes.Organizes, WellKnownNodes.TypesFolder, "Types", WellKnownNodes.FolderType);
        builder.Object(root, WellKnownNodes.Organizes, WellKnownNodes.ViewsFolder, "Views", WellKnownNodes.FolderType);
        builder.Object(types, WellKnownNodes.Organizes, 88, "ObjectTypes", WellKnownNodes.FolderType);
        builder.Object(types, WellKnownNodes.Organizes, 89, "VariableTypes", WellKnownNodes.FolderType);
        builder.Object(types, WellKnownNodes.Organizes, 90, "DataTypes", WellKnownNodes.FolderType);
        builder.Object(types, WellKnownNodes.Organizes, 91, "ReferenceTypes", WellKnownNodes.FolderType);
        foreach (var (id, name, nodeClass, above) in Types)
        {
            builder.Type(id, name, nodeClass, above);
        }

        builder.MakeFolders(
            WellKnownNodes.RootFolder, WellKnownNodes.ObjectsFolder, WellKnownNodes.TypesFolder, WellKnownNodes.ViewsFolder, 88, 89, 90, 91);

        AddServer(builder, objects, options, time);
        return space;
    }

    private static void AddServer(Builder builder, ServerNode objects, UaServerOptions options, TimeProvider time)
    {
        var server = builder.Object(objects, WellKnownNodes.Organizes, WellKnownNodes.Server, "Server", ServerType);
        builder.Property(
            server, WellKnownNodes.ServerArray, "ServerArray", Variant.Array(BuiltInType.String, new[] { options.ApplicationUri }));
        builder.Property(
            server,
            WellKnownNodes.NamespaceArray,
            "NamespaceArray",
            Variant.Array(BuiltInType.String, new[] { "http://opcfoundation.org/UA/", options.NamespaceUri }));
        builder.Property(server, WellKnownNodes.ServerServiceLevel, "ServiceLevel", new Variant(ServiceLevelHealthy));
        AddStatus(builder, server, options, time);
        AddCapabilities(builder, server, options);
        var redundancy = builder.Object(
            server, WellKnownNodes.HasComponent, WellKnownNodes.ServerRedundancy, "ServerRedundancy", ServerRedundancyType);
        builder.Property(redundancy, WellKnownNodes.RedundancySupport, "RedundancySupport", new Variant(0));
    }

    private static void AddStatus(Builder builder, ServerNode server, UaServerOptions options, TimeProvider time)
    {
        var startTime = UaDateTime.From(time.GetUtcNow());
        Variant Now() => new(UaDateTime.From(time.GetUtcNow()));
        var status = builder.Live(
            server, WellKnownNodes.ServerStatus, "ServerStatus", ServerStatusType, () => StatusOf(options, startTime, time));
        builder.Component(status, WellKnownNodes.ServerStatusStartTime, "StartTime", new Variant(startTime));
        builder.Live(status, WellKnownNodes.ServerStatusCurrentTime, "CurrentTime", WellKnownNodes.BaseDataVariableType, Now);
        builder.Component(status, WellKnownNodes.ServerStatusState, "State", new Variant(0));
        builder.Component(status, WellKnownNodes.ServerStatusBuildInfo, "BuildInfo", new Variant(BuildInfo(options)), BuildInfoType);
        builder.Component(status, WellKnownNodes.SecondsTillShutdown, "SecondsTillShutdown", new Variant(0u));
        builder.Component(status, WellKnownNodes.ShutdownReason, "ShutdownReason", new Variant(new LocalizedText(null)));
    }

    private static void AddCapabilities(Builder builder, ServerNode server, UaServerOptions options)
    {
        var capabilities = builder.Object(
            server, WellKnownNodes.HasComponent, WellKnownNodes.ServerCapabilities, "ServerCapabilities", ServerCapabilitiesType);
        void Limit(ServerNode above, uint id, string name, long value) =>
            builder.Property(above, id, name, new Variant((uint)Math.Min(value, uint.MaxValue)));
        builder.Property(capabilities, WellKnownNodes.MinSupportedSampleRate, "MinSupportedSampleRate", new Variant(0.0));
        builder.Property(
            capabilities,
            WellKnownNodes.MaxBrowseContinuationPoints,
            "MaxBrowseContinuationPoints",
            new Variant((ushort)Math.Min(options.ContinuationPointsMax, ushort.MaxValue)));
        var decode = DecodeLimits.Default;
        Limit(capabilities, WellKnownNodes.MaxArrayLength, "MaxArrayLength", decode.ArrayLengthMax);
        Limit(capabilities, WellKnownNodes.MaxStringLength, "MaxStringLength", decode.StringBytesMax);
        Limit(capabilities, WellKnownNodes.MaxByteStringLength, "MaxByteStringLength", Math.Min(decode.ByteStringBytesMax, options.RequestBytesMax));
        Limit(capabilities, WellKnownNodes.MaxSessions, "MaxSessions", options.SessionsMax);
        Limit(capabilities, WellKnownNodes.MaxSubscriptions, "MaxSubscriptions", options.SubscriptionsMax);
        Limit(capabilities, WellKnownNodes.MaxMonitoredItems, "MaxMonitoredItems", options.MonitoredItemsMax);
        Limit(capabilities, WellKnownNodes.MaxMonitoredItemsQueueSize, "MaxMonitoredItemsQueueSize", options.QueueSizeMax);
        var limits = builder.Object(
            capabilities, WellKnownNodes.HasComponent, WellKnownNodes.OperationLimits, "OperationLimits", OperationLimitsType);
        Limit(limits, WellKnownNodes.MaxNodesPerRead, "MaxNodesPerRead", options.OperationsMax);
        Limit(limits, WellKnownNodes.MaxNodesPerWrite, "MaxNodesPerWrite", options.OperationsMax);
        Limit(limits, WellKnownNodes.MaxNodesPerBrowse, "MaxNodesPerBrowse", options.OperationsMax);
        Limit(limits, WellKnownNodes.MaxNodesPerTranslateBrowsePaths, "MaxNodesPerTranslateBrowsePathsToNodeIds", options.OperationsMax);
        Limit(limits, WellKnownNodes.MaxMonitoredItemsPerCall, "MaxMonitoredItemsPerCall", options.OperationsMax);
    }

    /// <summary>ServerStatusDataType (OPC 10000-5, 12.10).</summary>
    private static Variant StatusOf(UaServerOptions options, UaDateTime startTime, TimeProvider time)
    {
        using var writer = new UaWriter();
        writer.WriteDateTime(startTime);
        writer.WriteDateTime(UaDateTime.From(time.GetUtcNow()));
        writer.WriteInt32(0);
        writer.WriteRaw(BuildInfo(options).Body);
        writer.WriteUInt32(0);
        writer.WriteLocalizedText(default);
        return new Variant(new ExtensionObject(new NodeId(ServerStatusEncoding), writer.WrittenSpan.ToArray()));
    }

    /// <summary>BuildInfo (OPC 10000-5, 12.4).</summary>
    private static ExtensionObject BuildInfo(UaServerOptions options)
    {
        using var writer = new UaWriter();
        writer.WriteString(options.ApplicationUri);
        writer.WriteString("The ZfRepl authors");
        writer.WriteString(options.ApplicationName);
        writer.WriteString(typeof(StandardNodes).Assembly.GetName().Version?.ToString(3));
        writer.WriteString(null);
        writer.WriteDateTime(UaDateTime.Null);
        return new ExtensionObject(new NodeId(BuildInfoEncoding), writer.WrittenSpan.ToArray());
    }

    private sealed class Builder(AddressSpace space, TimeProvider time)
    {
        public ServerNode Object(ServerNode? parent, uint referenceType, uint id, string name, uint type)
        {
            var node = new ServerNode(new NodeId(id), NodeClasses.Object, new QualifiedName(name), type);
            space.Add(node, parent, referenceType);
            return node;
        }

        public void Type(uint id, string name, NodeClasses nodeClass, uint above)
        {
            _ = space.TryFind(new NodeId(above), out var parent);
            var isFolder = parent!.NodeClass == NodeClasses.Object;
            space.Add(
                new ServerNode(new NodeId(id), nodeClass, new QualifiedName(name), 0),
                parent,
                isFolder ? WellKnownNodes.Organizes : WellKnownNodes.HasSubtype);
        }

        /// <summary>The folders that were there before their type.</summary>
        public void MakeFolders(params uint[] ids)
        {
            _ = space.TryFind(new NodeId(WellKnownNodes.FolderType), out var type);
            foreach (var id in ids)
            {
                _ = space.TryFind(new NodeId(id), out var folder);
                folder!.AddReference(new NodeReference(WellKnownNodes.HasTypeDefinition, true, type!));
            }
        }

        public void Property(ServerNode parent, uint id, string name, Variant value) =>
            Variable(parent, WellKnownNodes.HasProperty, id, name, WellKnownNodes.PropertyType, value, null);

        public void Component(
            ServerNode parent, uint id, string name, Variant value, uint type = WellKnownNodes.BaseDataVariableType) =>
            Variable(parent, WellKnownNodes.HasComponent, id, name, type, value, null);

        public ServerNode Live(ServerNode parent, uint id, string name, uint type, Func<Variant> live) =>
            Variable(parent, WellKnownNodes.HasComponent, id, name, type, default, live);

        private ServerNode Variable(
            ServerNode parent, uint referenceType, uint id, string name, uint type, Variant value, Func<Variant>? live)
        {
            var node = new ServerNode(new NodeId(id), NodeClasses.Variable, new QualifiedName(name), type);
            var initial = new DataValue(value, StatusCode.Good, UaDateTime.From(time.GetUtcNow()));
            node.Variable = new Variable(node, initial, isWritable: false, time, live);
            space.Add(node, parent, referenceType);
            return node;
        }
    }
}
