using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Services;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Tests.Services;

public sealed class ServiceCodecTests
{
    [Fact]
    public void Every_message_is_read_back_as_it_was_written()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            foreach (var message in Samples.All(seed))
            {
                var bytes = Samples.Encode(message);
                var decoded = ServiceCodec.Decode(bytes, DecodeLimits.Default);
                Assert.False(decoded.Error.IsError, $"seed {seed} {message.GetType().Name}: {decoded.Error}");
                Assert.IsType(message.GetType(), decoded.Message);
                Assert.Equal(Hex.Text(bytes), Hex.Text(Samples.Encode(decoded.Message!)));
            }
        }
    }

    [Fact]
    public void Every_kind_of_message_that_can_be_read_has_a_sample() =>
        Assert.Equal(ServiceCodec.KnownTypeIds.Order(), Samples.All(1).Select(m => m.EncodingId).Order());

    [Theory]
    [InlineData(typeof(FindServersRequest), 422)]
    [InlineData(typeof(GetEndpointsResponse), 431)]
    [InlineData(typeof(OpenSecureChannelRequest), 446)]
    [InlineData(typeof(OpenSecureChannelResponse), 449)]
    [InlineData(typeof(CreateSessionRequest), 461)]
    [InlineData(typeof(ActivateSessionResponse), 470)]
    [InlineData(typeof(CloseSessionRequest), 473)]
    [InlineData(typeof(BrowseRequest), 527)]
    [InlineData(typeof(BrowseNextResponse), 536)]
    [InlineData(typeof(TranslateBrowsePathsToNodeIdsRequest), 554)]
    [InlineData(typeof(ReadRequest), 631)]
    [InlineData(typeof(WriteResponse), 676)]
    [InlineData(typeof(HistoryReadRequest), 664)]
    [InlineData(typeof(CreateMonitoredItemsRequest), 751)]
    [InlineData(typeof(ModifyMonitoredItemsResponse), 766)]
    [InlineData(typeof(SetMonitoringModeRequest), 769)]
    [InlineData(typeof(DeleteMonitoredItemsResponse), 784)]
    [InlineData(typeof(CreateSubscriptionRequest), 787)]
    [InlineData(typeof(ModifySubscriptionRequest), 793)]
    [InlineData(typeof(SetPublishingModeResponse), 802)]
    [InlineData(typeof(PublishResponse), 829)]
    [InlineData(typeof(RepublishRequest), 832)]
    [InlineData(typeof(TransferSubscriptionsResponse), 844)]
    [InlineData(typeof(DeleteSubscriptionsRequest), 847)]
    [InlineData(typeof(ServiceFault), 397)]
    public void A_message_travels_under_the_id_of_the_specification(Type type, uint id) =>
        Assert.Equal(id, Samples.All(1).Single(m => m.GetType() == type).EncodingId);

    [Fact]
    public void A_read_request_is_written_byte_for_byte_as_the_specification_says()
    {
        var request = new ReadRequest
        {
            Header = new RequestHeader { AuthenticationToken = new NodeId(5), Timestamp = new UaDateTime(1), RequestHandle = 2, TimeoutHint = 3 },
            MaxAge = 0,
            TimestampsToReturn = TimestampsToReturn.Both,
            NodesToRead = [new ReadValueId { NodeId = new NodeId(2258) }],
        };
        var expected = Hex.Bytes(
            "01 00 77 02" // id 631
            + "00 05 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 FF FF FF FF 03 00 00 00 00 00 00" // header
            + "00 00 00 00 00 00 00 00 02 00 00 00" // age, time stamps
            + "01 00 00 00 01 00 D2 08 0D 00 00 00 FF FF FF FF 00 00 FF FF FF FF"); // one node
        Assert.Equal(Hex.Text(expected), Hex.Text(Samples.Encode(request)));
    }

    [Fact]
    public void A_message_of_an_unknown_kind_says_so_and_still_gives_its_header()
    {
        using var writer = new UaWriter();
        writer.WriteNodeId(new NodeId(712));
        new RequestHeader { RequestHandle = 77 }.Encode(writer);
        var decoded = ServiceCodec.Decode(writer.WrittenSpan, DecodeLimits.Default);
        Assert.Null(decoded.Message);
        Assert.Equal(StatusCodes.BadServiceUnsupported, decoded.Error.Status);
        Assert.Equal(77u, ServiceCodec.TryReadRequestHeader(writer.WrittenSpan, DecodeLimits.Default)!.RequestHandle);
    }

    [Fact]
    public void A_null_list_in_a_message_is_read_as_an_empty_one()
    {
        using var writer = new UaWriter();
        writer.WriteNodeId(new NodeId(ReadResponse.TypeId));
        new ResponseHeader().Encode(writer);
        writer.WriteInt32(-1);
        writer.WriteInt32(-1);
        var response = Assert.IsType<ReadResponse>(ServiceCodec.Decode(writer.WrittenSpan, DecodeLimits.Default).Message);
        Assert.Empty(response.Results);
    }

    [Fact]
    public void Structures_in_extension_objects_are_taken_out_only_as_what_they_are()
    {
        var token = ExtensionCodec.Pack(new UserNameIdentityToken { PolicyId = "p", UserName = "u", Password = [1], EncryptionAlgorithm = "a" });
        Assert.False(ExtensionCodec.TryUnpack<UserNameIdentityToken>(token, DecodeLimits.Default, out var read).IsError);
        Assert.Equal("u", read!.UserName);
        Assert.True(ExtensionCodec.TryUnpack<AnonymousIdentityToken>(token, DecodeLimits.Default, out _).IsError);
        Assert.True(ExtensionCodec.TryUnpack<AnonymousIdentityToken>(null, DecodeLimits.Default, out _).IsError);
        var x509 = ExtensionCodec.Pack(new X509IdentityToken { PolicyId = "x", CertificateData = [7] });
        Assert.False(ExtensionCodec.TryUnpack<X509IdentityToken>(x509, DecodeLimits.Default, out var certificate).IsError);
        Assert.Equal([7], certificate!.CertificateData!);
        var issued = ExtensionCodec.Pack(new IssuedIdentityToken { PolicyId = "i", TokenData = [8], EncryptionAlgorithm = "e" });
        Assert.False(ExtensionCodec.TryUnpack<IssuedIdentityToken>(issued, DecodeLimits.Default, out var data).IsError);
        Assert.Equal("e", data!.EncryptionAlgorithm);
    }
}
