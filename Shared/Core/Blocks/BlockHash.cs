namespace ZfRepl.Core.Blocks;

/// <summary>A SHA-256 over a block's content: what a confirmation has to name before the source forgets the block.</summary>
public sealed class BlockHash : IEquatable<BlockHash>
{
    /// <summary>The size in bytes.</summary>
    public const int SizeBytes = 32;

    private readonly byte[] _bytes;

    /// <summary>A hash from its 32 bytes.</summary>
    public BlockHash(ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bytes.Length, SizeBytes, nameof(bytes));
        _bytes = bytes.ToArray();
    }

    /// <summary>The 32 bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Parses 64 hexadecimal digits.</summary>
    public static bool TryParse(string text, out BlockHash? hash)
    {
        Span<byte> bytes = stackalloc byte[SizeBytes];
        var ok = text.Length == SizeBytes * 2
            && Convert.FromHexString(text, bytes, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == SizeBytes;
        hash = ok ? new BlockHash(bytes) : null;
        return ok;
    }

    /// <inheritdoc/>
    public bool Equals(BlockHash? other) => other is not null && _bytes.AsSpan().SequenceEqual(other._bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as BlockHash);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_bytes, 0);

    /// <summary>64 hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(_bytes);
}
