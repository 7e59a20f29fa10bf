using System.Buffers.Binary;
using ZfRepl.Benchmarks.Running;
using ZfRepl.Benchmarks.Workload;
using ZfRepl.Core.Telemetry;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.Benchmarks.Cases;

/// <summary>
/// Publish responses of 1,000 values each, with source and server time, into columns. Baselines: a walk over the same bytes that knows where
/// everything is and checks nothing, and the general codec that makes objects.
/// </summary>
internal static class DecodeBenchmark
{
    private const int ValuesPerMessage = 1000;
    private const int Repetitions = 5;
    private const long UnixEpochTicks = 116_444_736_000_000_000;

    private static ReadOnlySpan<byte> ValueCount => [0xE8, 0x03, 0, 0];

    public static Task<IReadOnlyList<Figure>> RunAsync(Bench bench)
    {
        var events = ReferenceWorkload.Generate(new OidTable(), bench.Events / ValuesPerMessage * ValuesPerMessage);
        var messages = Enumerable.Range(0, events.Count / ValuesPerMessage).Select(m => Encode(events, m * ValuesPerMessage)).ToArray();
        var limits = new DecodeLimits();
        using var batch = new DataChangeBatch();
        var decoded = Meter.Measure(bench.Repeated(Repetitions), () =>
        {
            foreach (var message in messages)
            {
                batch.Clear();
                NotificationDecoder.TryDecode(message, limits, batch, out var summary);
                Expect(summary is not null && batch.Count == ValuesPerMessage);
            }
        });
        var walked = Meter.Measure(bench.Repeated(Repetitions), () =>
        {
            var sum = 0UL;
            foreach (var message in messages)
            {
                sum ^= Walk(message);
            }

            GC.KeepAlive(sum);
        });
        var general = Meter.Measure(bench.Repeated(Repetitions), () =>
        {
            foreach (var message in messages)
            {
                var response = (PublishResponse)ServiceCodec.Decode(message, limits).Message!;
                var body = response.NotificationMessage.NotificationData[0]!.Body;
                var reader = new UaReader(body, limits);
                Expect(DataChangeNotification.Decode(ref reader).MonitoredItems.Length == ValuesPerMessage);
            }
        });
        double count = events.Count;
        return Task.FromResult<IReadOnlyList<Figure>>(
        [
            new("opcua_decode_values_per_s", count / decoded.CpuSeconds, "values per core second"),
            new("opcua_decode_ratio_walk", walked.CpuSeconds / decoded.CpuSeconds, "x the speed of a bare walk"),
            new("opcua_decode_ratio_objects", general.CpuSeconds / decoded.CpuSeconds, "x the speed of the general codec"),
            new("opcua_decode_allocated_bytes_per_value", decoded.AllocatedBytes / count, "bytes/value"),
            new("opcua_decode_wire_bytes_per_value", messages.Sum(m => (double)m.Length) / count, "bytes/value"),
        ]);
    }

    private static byte[] Encode(EventBatch events, int start)
    {
        using var batch = new DataChangeBatch();
        for (var i = start; i < start + ValuesPerMessage; i++)
        {
            var time = new UaDateTime(UnixEpochTicks + events.TimesNs[i] / 100);
            batch.Add((uint)events.Items[i], new DataValue
            {
                Fields = DataValueFields.Value | DataValueFields.SourceTimestamp | DataValueFields.ServerTimestamp,
                Value = Variant.FromParts((BuiltInType)events.Kinds[i], VariantShape.Scalar, events.Bits[i], null),
                SourceTimestamp = time,
                ServerTimestamp = time,
            });
        }

        using var writer = new UaWriter();
        ServiceCodec.Encode(writer, new PublishResponse
        {
            SubscriptionId = 1,
            NotificationMessage = new NotificationMessage { SequenceNumber = 1, NotificationData = [DataChangeNotification.Pack(batch)] },
        });
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Finds the values by the layout that <see cref="Encode"/> makes: a handle, two masks, the value, two times.</summary>
    private static ulong Walk(ReadOnlySpan<byte> message)
    {
        var at = message.IndexOf(ValueCount) + 4;
        var sum = 0UL;
        for (var i = 0; i < ValuesPerMessage; i++)
        {
            var size = (BuiltInType)message[at + 5] switch { BuiltInType.Boolean => 1, BuiltInType.Int32 => 4, _ => 8 };
            sum ^= BinaryPrimitives.ReadUInt32LittleEndian(message[at..]);
            sum ^= size switch
            {
                1 => message[at + 6],
                4 => BinaryPrimitives.ReadUInt32LittleEndian(message[(at + 6)..]),
                _ => BinaryPrimitives.ReadUInt64LittleEndian(message[(at + 6)..]),
            };
            at += 6 + size;
            sum ^= BinaryPrimitives.ReadUInt64LittleEndian(message[at..]);
            sum ^= BinaryPrimitives.ReadUInt64LittleEndian(message[(at + 8)..]);
            at += 16;
        }

        return sum;
    }

    private static void Expect(bool isRight)
    {
        if (!isRight)
        {
            throw new InvalidOperationException("A message that was just written can't be read.");
        }
    }
}
