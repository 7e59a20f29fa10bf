using ZfRepl.OpcUa.Encoding;

namespace ZfRepl.OpcUa.Services;

/// <summary>
/// The body of a MSG or OPN message: a request or a response (OPC 10000-4, clause 5; names and order of fields as there; section numbers in
/// this folder are those of release 1.05).
/// </summary>
internal interface IServiceMessage : IEncodable
{
    /// <summary>The id of the binary encoding, which travels before the message.</summary>
    uint EncodingId { get; }
}

/// <summary>What the codec needs to know of a kind of message.</summary>
/// <typeparam name="TSelf">The message itself.</typeparam>
internal interface IServiceMessage<TSelf> : IServiceMessage
    where TSelf : IServiceMessage<TSelf>
{
    static abstract uint TypeId { get; }

    uint IServiceMessage.EncodingId => TSelf.TypeId;

    /// <summary>Reads the message after its type id; errors are in the reader.</summary>
    static abstract TSelf Decode(ref UaReader reader);
}

/// <summary>What all requests have in common.</summary>
internal abstract class ServiceRequest : IEncodable
{
    /// <summary>Set by whoever sends the request.</summary>
    public RequestHeader Header { get; set; } = new();

    public void Encode(UaWriter writer)
    {
        Header.Encode(writer);
        EncodeBody(writer);
    }

    protected abstract void EncodeBody(UaWriter writer);
}

/// <summary>What all responses have in common.</summary>
internal abstract class ServiceResponse : IEncodable
{
    public ResponseHeader Header { get; set; } = new();

    public void Encode(UaWriter writer)
    {
        Header.Encode(writer);
        EncodeBody(writer);
    }

    protected abstract void EncodeBody(UaWriter writer);
}
