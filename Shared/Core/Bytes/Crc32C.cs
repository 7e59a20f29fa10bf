using System.Buffers.Binary;
using System.Numerics;

namespace ZfRepl.Core.Bytes;

/// <summary>
/// CRC-32C (Castagnoli, reflected, initial and final value all ones), by the processor's instruction where it has one. The check
/// value over the ASCII digits 123456789 is 0xE3069283.
/// </summary>
public static class Crc32C
{
    /// <summary>The checksum of some bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => ~Continue(uint.MaxValue, bytes);

    private static uint Continue(uint crc, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return crc;
    }
}
