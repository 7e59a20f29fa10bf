using System.Security.Cryptography;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Client;

/// <summary>
/// The saved state as bytes: a mark, a version, the fields in OPC UA Binary, and SHA-256 over all of it. It comes back from a disk, so it is
/// read with the same distrust as a message from the network.
/// </summary>
internal static class SubscriptionStateCodec
{
    /// <summary>Intervals longer than this are cut, so that they fit into a <see cref="TimeSpan"/> and a timer.</summary>
    public const double MillisecondsMax = 30.0 * 24 * 3600 * 1000;

    private const uint Mark = 0x5355_415A; // "ZAUS" as it stands in the file
    private const byte Version = 1;
    private const int HashBytes = 32;
    private const int SubscriptionsMax = 4;
    private const int ItemBytesMin = 34;

    // As large as the host keeps; a message from the network is held to less.
    private const int BytesMax = (256 << 20) - HashBytes;

    // The file is whole, as its hash says, and this program wrote it: it may unfold into what a million items take, twice in a change-over.
    private static readonly DecodeLimits Limits = DecodeLimits.Default with { ArrayLengthMax = 16 << 20, AllocationBytesMax = 4L << 30 };

    public static byte[] Write(SavedState state)
    {
        using var writer = new UaWriter(BytesMax);
        writer.WriteUInt32(Mark);
        writer.WriteByte(Version);
        writer.WriteString(state.Session.ServerUri);
        writer.WriteString(state.Session.Thumbprint);
        writer.WriteNodeId(state.Session.Session.SessionId);
        writer.WriteNodeId(state.Session.Session.AuthenticationToken);
        writer.WriteByteString(state.Session.Session.ServerNonce);
        writer.WriteDouble(state.Session.Session.Timeout.TotalMilliseconds);
        writer.WriteDateTime(state.ServerStartTime);
        writer.WriteByte((byte)state.Subscriptions.Count);
        foreach (var subscription in state.Subscriptions)
        {
            WriteSubscription(writer, subscription);
        }

        return [.. writer.WrittenSpan, .. SHA256.HashData(writer.WrittenSpan)];
    }

    /// <summary>Reads a state.</summary>
    /// <returns>Null with the reason when it is damaged or of another version.</returns>
    public static SavedState? TryRead(ReadOnlySpan<byte> bytes, out string? problem)
    {
        problem = null;
        if (bytes.Length < HashBytes || !SHA256.HashData(bytes[..^HashBytes]).AsSpan().SequenceEqual(bytes[^HashBytes..]))
        {
            problem = "its checksum is wrong";
            return null;
        }

        var reader = new UaReader(bytes[..^HashBytes], Limits);
        if (reader.ReadUInt32() != Mark || reader.ReadByte() != Version)
        {
            problem = "it is of another version";
            return null;
        }

        var session = new FormerSession(
            reader.ReadString() ?? "", reader.ReadString() ?? "",
            new SessionHandle(reader.ReadNodeId(), reader.ReadNodeId(), reader.ReadByteString(), ReadInterval(ref reader)));
        var startTime = reader.ReadDateTime();
        var count = reader.ReadByte();
        if (count > SubscriptionsMax)
        {
            reader.Fail(StatusCodes.BadDecodingError, "too many subscriptions");
        }

        var subscriptions = new List<SavedSubscription>();
        for (var i = 0; i < count && !reader.Failed; i++)
        {
            subscriptions.Add(ReadSubscription(ref reader));
        }

        problem = reader.Failed ? reader.Error.ToString() : null;
        return reader.Failed ? null : new SavedState(session, startTime, subscriptions);
    }

    private static void WriteSubscription(UaWriter writer, SavedSubscription subscription)
    {
        writer.WriteUInt32(subscription.Id);
        writer.WriteUInt64(subscription.Incarnation);
        writer.WriteDouble(subscription.Plan.PublishingMs);
        writer.WriteUInt32(subscription.Plan.KeepAliveCount);
        writer.WriteUInt32(subscription.Plan.LifetimeCount);
        writer.WriteUInt32(subscription.Plan.NotificationValuesMax);
        writer.WriteDouble(subscription.PublishingMs);
        writer.WriteUInt32(subscription.KeepAliveCount);
        writer.WriteUInt32(subscription.LifetimeCount);
        writer.WriteInt32(subscription.Items.Count);
        for (var i = 0; i < subscription.Items.Count; i++)
        {
            var item = subscription.Items[i];
            writer.WriteString(item.Key);
            writer.WriteNodeId(item.Node);
            writer.WriteDouble(item.SamplingMs);
            writer.WriteUInt32(item.QueueSize);
            writer.WriteInt32((int)item.Deadband);
            writer.WriteDouble(item.DeadbandValue);
            writer.WriteBoolean(subscription.Accepted[i]);
        }
    }

    private static SavedSubscription ReadSubscription(ref UaReader reader)
    {
        var id = reader.ReadUInt32();
        var incarnation = reader.ReadUInt64();
        var plan = new PlannedSubscription(reader.ReadDouble(), reader.ReadUInt32(), reader.ReadUInt32(), reader.ReadUInt32());
        var publishingMs = ReadInterval(ref reader).TotalMilliseconds;
        var keepAliveCount = reader.ReadUInt32();
        var lifetimeCount = reader.ReadUInt32();
        var count = Math.Max(0, reader.ReadArrayLength(ItemBytesMin, "items"));
        var items = new List<PlannedItem>();
        var accepted = new List<bool>();
        for (var i = 0; i < count && !reader.Failed; i++)
        {
            items.Add(new PlannedItem(
                reader.ReadString() ?? "", reader.ReadNodeId(), reader.ReadDouble(), reader.ReadUInt32(), (DeadbandType)reader.ReadInt32(),
                reader.ReadDouble()));
            accepted.Add(reader.ReadBoolean());
        }

        return new SavedSubscription
        {
            Id = id,
            Incarnation = incarnation,
            Plan = plan,
            PublishingMs = publishingMs,
            KeepAliveCount = keepAliveCount,
            LifetimeCount = lifetimeCount,
            Items = items,
            Accepted = [.. accepted],
        };
    }

    private static TimeSpan ReadInterval(ref UaReader reader)
    {
        var milliseconds = reader.ReadDouble();
        return TimeSpan.FromMilliseconds(double.IsFinite(milliseconds) ? Math.Clamp(milliseconds, 0, MillisecondsMax) : 0);
    }
}
