using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Tests.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Encoding;

public sealed class DataChangeBatchTests
{
    [Fact]
    public void The_columns_hold_exactly_what_the_general_decoder_reads()
    {
        using var batch = new DataChangeBatch();
        for (var seed = 0; seed < 300; seed++)
        {
            var any = new AnyValue(seed);
            var response = new PublishResponse
            {
                SubscriptionId = 5,
                AvailableSequenceNumbers = [1, 2],
                MoreNotifications = true,
                NotificationMessage = Samples.Notifications(any),
                Results = [StatusCodes.BadSequenceNumberUnknown],
            };
            var bytes = Samples.Encode(response);
            batch.Clear();
            Assert.False(NotificationDecoder.TryDecode(bytes, DecodeLimits.Default, batch, out var summary).IsError);

            var general = (PublishResponse)ServiceCodec.Decode(bytes, DecodeLimits.Default).Message!;
            var first = general.NotificationMessage.NotificationData[0];
            Assert.False(ExtensionCodec.TryUnpack<DataChangeNotification>(first, DecodeLimits.Default, out var changes).IsError);
            Assert.Equal(changes!.MonitoredItems.Select(i => i.ClientHandle), batch.ClientHandles.ToArray());
            for (var i = 0; i < batch.Count; i++)
            {
                Assert.True(changes.MonitoredItems[i].Value == batch.GetDataValue(i), $"seed {seed}, value {i}");
            }

            Assert.Equal(5u, summary!.SubscriptionId);
            Assert.Equal(response.NotificationMessage.SequenceNumber, summary.SequenceNumber);
            Assert.Equal(response.NotificationMessage.PublishTime, summary.PublishTime);
            Assert.Equal([1u, 2u], summary.AvailableSequenceNumbers);
            Assert.True(summary.MoreNotifications);
            Assert.False(summary.IsKeepAlive);
            Assert.NotNull(summary.StatusChange);
            Assert.Equal(1, summary.OtherNotifications);
            Assert.Equal([StatusCodes.BadSequenceNumberUnknown], summary.Results);
        }
    }

    [Fact]
    public void What_a_batch_holds_is_encoded_as_it_was_read()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var any = new AnyValue(seed);
            using var batch = new DataChangeBatch();
            var items = Enumerable.Range(0, 20).Select(i => new MonitoredItemNotification(any.UInt(), any.DataValue())).ToArray();
            foreach (var item in items)
            {
                batch.Add(item.ClientHandle, item.Value);
            }

            var expected = Hex.Text(ExtensionCodec.Pack(new DataChangeNotification { MonitoredItems = items }).Body);

            // A list of diagnostics that is empty and one that is null say the same.
            Assert.Equal(expected[..^8], Hex.Text(DataChangeNotification.Pack(batch).Body)[..^8]);
            using var writer = new UaWriter();
            DataChangeEncoder.Encode(writer, items.Length, items, static (all, i) => (all[i].ClientHandle, all[i].Value));
            Assert.Equal(expected[..^8], Hex.Text(writer.WrittenSpan)[..^8]);
        }
    }

    [Fact]
    public void Keep_alives_and_faults_are_told_apart()
    {
        using var batch = new DataChangeBatch();
        var keepAlive = new PublishResponse { SubscriptionId = 1, NotificationMessage = new NotificationMessage { SequenceNumber = 9 } };
        Assert.False(NotificationDecoder.TryDecode(Samples.Encode(keepAlive), DecodeLimits.Default, batch, out var summary).IsError);
        Assert.True(summary!.IsKeepAlive);
        Assert.Equal(9u, summary.SequenceNumber);

        var fault = new ServiceFault { Header = new ResponseHeader { ServiceResult = StatusCodes.BadNoSubscription } };
        Assert.False(NotificationDecoder.TryDecode(Samples.Encode(fault), DecodeLimits.Default, batch, out summary).IsError);
        Assert.True(summary!.IsFault);
        Assert.Equal(StatusCodes.BadNoSubscription, summary.Header.ServiceResult);

        Assert.Equal(
            StatusCodes.BadUnknownResponse,
            NotificationDecoder.TryDecode(Samples.Encode(new WriteResponse()), DecodeLimits.Default, batch, out summary).Status);
        Assert.Null(summary);
    }

    [Fact]
    public void A_republished_message_is_read_the_same_way()
    {
        using var batch = new DataChangeBatch();
        var response = new RepublishResponse { NotificationMessage = Samples.Notifications(new AnyValue(3)) };
        Assert.False(NotificationDecoder.TryDecode(Samples.Encode(response), DecodeLimits.Default, batch, out var summary).IsError);
        Assert.Equal(3, batch.Count);
        Assert.Equal(response.NotificationMessage.SequenceNumber, summary!.SequenceNumber);
    }

    [Fact]
    public void A_broken_message_leaves_the_values_of_earlier_ones_alone()
    {
        using var batch = new DataChangeBatch();
        batch.Add(1, new DataValue(new Variant("kept")));
        var bytes = Samples.Encode(new PublishResponse { NotificationMessage = Samples.Notifications(new AnyValue(11)) });
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.True(NotificationDecoder.TryDecode(bytes.AsSpan(0, length), DecodeLimits.Default, batch, out _).IsError);
            Assert.Equal(1, batch.Count);
            Assert.Equal(new Variant("kept"), batch.GetValue(0));
        }
    }

    [Fact]
    public void More_values_than_allowed_are_refused()
    {
        using var batch = new DataChangeBatch();
        for (var i = 0; i < 11; i++)
        {
            batch.Add((uint)i, new DataValue(new Variant(i)));
        }

        var bytes = Samples.Encode(new RepublishResponse
        {
            NotificationMessage = new NotificationMessage { NotificationData = [DataChangeNotification.Pack(batch)] },
        });
        using var target = new DataChangeBatch();
        var limits = DecodeLimits.Default with { NotificationValuesMax = 10 };
        Assert.Equal(StatusCodes.BadEncodingLimitsExceeded, NotificationDecoder.TryDecode(bytes, limits, target, out _).Status);
        Assert.Equal(0, target.Count);

        // The limit is that of one message, not of a batch that collects several.
        Assert.False(NotificationDecoder.TryDecode(bytes, limits with { NotificationValuesMax = 11 }, target, out _).IsError);
        Assert.False(NotificationDecoder.TryDecode(bytes, limits with { NotificationValuesMax = 11 }, target, out _).IsError);
        Assert.Equal(22, target.Count);
    }

    [Fact]
    public void Numbers_are_decoded_without_any_allocation_once_the_columns_are_there()
    {
        using var source = new DataChangeBatch();
        var any = new AnyValue(1);
        for (var i = 0; i < 3000; i++)
        {
            var type = (BuiltInType)(1 + (i % 11));
            var value = new DataValue(any.Scalar(type), StatusCode.Good, new UaDateTime(i)).WithServerTimestamp(new UaDateTime(i + 1));
            source.Add((uint)i, value);
        }

        var body = DataChangeNotification.Pack(source).Body!;
        using var target = new DataChangeBatch();
        for (var warm = 0; warm < 200; warm++)
        {
            Decode(body, target);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var n = 0; n < 100; n++)
        {
            Decode(body, target);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024);
        Assert.Equal(3000, target.Count);
    }

    [Fact]
    public void Objects_of_cleared_values_do_not_show_through()
    {
        using var batch = new DataChangeBatch();
        batch.Add(1, new DataValue(new Variant("old")));
        batch.Clear();
        batch.Add(2, new DataValue(new Variant(1.5)));
        Assert.Null(batch.References[0]);
        Assert.Equal(new Variant(1.5), batch.GetValue(0));
    }

    private static void Decode(byte[] body, DataChangeBatch target)
    {
        target.Clear();
        var reader = new UaReader(body, DecodeLimits.Default);
        DataChangeDecoder.Decode(ref reader, target, 3000);
        Assert.False(reader.Failed);
    }
}
