namespace ZfRepl.OpcUa.Encoding;

/// <summary>Something that can write itself in OPC UA Binary.</summary>
internal interface IEncodable
{
    /// <summary>Appends the encoded form.</summary>
    void Encode(UaWriter writer);
}

/// <summary>Something that can be read from OPC UA Binary.</summary>
/// <typeparam name="TSelf">The type itself.</typeparam>
internal interface IDecodable<TSelf>
    where TSelf : IDecodable<TSelf>
{
    /// <summary>
    /// The smallest number of bytes that an encoded instance can have. A list length is checked against it before memory is allocated.
    /// </summary>
    static abstract int EncodedBytesMin { get; }

    /// <summary>Reads one instance; after an error the reader gives defaults, and the caller checks the reader at the end.</summary>
    static abstract TSelf Decode(ref UaReader reader);
}
