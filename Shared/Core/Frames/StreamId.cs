using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ZfRepl.Core.Frames;

/// <summary>
/// The identity of a mailbox's stream of events: 128 random bits, drawn when the mailbox is made and again when its state was lost,
/// so that a sequence number never means two things.
/// </summary>
/// <param name="High">The first 8 bytes, little-endian; frames carry them as their tag.</param>
/// <param name="Low">The last 8 bytes, little-endian.</param>
public readonly record struct StreamId(ulong High, ulong Low)
{
    /// <summary>The size on disk and wire, in bytes.</summary>
    public const int SizeBytes = 16;

    /// <summary>A new one.</summary>
    public static StreamId Create()
    {
        Span<byte> bytes = stackalloc byte[SizeBytes];
        RandomNumberGenerator.Fill(bytes);
        return Read(bytes);
    }

    /// <summary>Reads 16 bytes.</summary>
    public static StreamId Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));

    /// <summary>Parses 32 hexadecimal digits, in the order of the bytes.</summary>
    public static bool TryParse(string text, out StreamId id)
    {
        id = default;
        if (text.Length != SizeBytes * 2)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[SizeBytes];
        if (Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        id = Read(bytes);
        return true;
    }

    /// <summary>Writes 16 bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, High);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], Low);
    }

    /// <summary>32 hexadecimal digits, in the order of the bytes.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[SizeBytes];
        Write(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
