using System.Diagnostics.CodeAnalysis;
using ZfRepl.OpcUa.Encoding;
using ZfRepl.OpcUa.Types;

namespace ZfRepl.OpcUa.Services;

/// <summary>A structure that travels inside an extension object.</summary>
/// <typeparam name="TSelf">The structure itself.</typeparam>
internal interface IExtensionBody<TSelf> : IEncodable
    where TSelf : IExtensionBody<TSelf>
{
    /// <summary>The id of its binary encoding.</summary>
    static abstract uint TypeId { get; }

    static abstract TSelf Decode(ref UaReader reader);
}

/// <summary>Puts structures into extension objects and takes them out again.</summary>
internal static class ExtensionCodec
{
    public static ExtensionObject Pack<T>(T body)
        where T : IExtensionBody<T>
    {
        using var writer = new UaWriter();
        body.Encode(writer);
        return new ExtensionObject(new NodeId(T.TypeId), writer.WrittenSpan.ToArray());
    }

    public static bool Is<T>([NotNullWhen(true)] ExtensionObject? extension)
        where T : IExtensionBody<T> => extension is { BodyKind: ExtensionBody.Binary } && extension.TypeId.IsNumeric(T.TypeId);

    /// <summary>Takes a structure out.</summary>
    /// <returns>
    /// No error with the structure; BadDecodingError when the object is missing, of another type, or cannot be read.
    /// </returns>
    public static DecodeError TryUnpack<T>(ExtensionObject? extension, DecodeLimits limits, out T? body)
        where T : class, IExtensionBody<T>
    {
        body = null;
        if (!Is<T>(extension) || extension.Body is null)
        {
            return new DecodeError(StatusCodes.BadDecodingError, 0, $"{extension?.ToString() ?? "null"} is no {typeof(T).Name}");
        }

        var reader = new UaReader(extension.Body, limits);
        var read = T.Decode(ref reader);
        body = reader.Failed ? null : read;
        return reader.Error;
    }
}
