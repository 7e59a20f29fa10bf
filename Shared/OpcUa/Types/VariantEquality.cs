using System.Runtime.InteropServices;

namespace ZfRepl.OpcUa.Types;

/// <summary>Exact comparison of what a <see cref="Variant"/> refers to: floats by their bits, lists element by element.</summary>
internal static class VariantEquality
{
    public static bool SameReference(object? left, object? right)
    {
        if (ReferenceEquals(left, right))
        {
            return true;
        }

        return (left, right) switch
        {
            (null, _) or (_, null) => false,
            (VariantMatrix a, VariantMatrix b) =>
                a.Dimensions.AsSpan().SequenceEqual(b.Dimensions) && SameReference(a.Elements, b.Elements),
            (Array a, Array b) => a.GetType() == b.GetType() && a.Length == b.Length && SameElements(a, b),
            _ => left.Equals(right),
        };
    }

    /// <summary>Equal references give equal numbers; lists only by their length, because hashing long ones would cost too much.</summary>
    public static int HashReference(object? reference) => reference switch
    {
        null => 0,
        VariantMatrix matrix => matrix.Elements.Length,
        Array array => array.Length,
        _ => reference.GetHashCode(),
    };

    private static bool SameElements(Array left, Array right) => (left, right) switch
    {
        (float[] a, float[] b) => MemoryMarshal.AsBytes(a.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(b.AsSpan())),
        (double[] a, double[] b) => MemoryMarshal.AsBytes(a.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(b.AsSpan())),
        (byte[]?[] a, byte[]?[] b) => SameBytes(a, b),
        (bool[] a, bool[] b) => a.AsSpan().SequenceEqual(b),
        (sbyte[] a, sbyte[] b) => a.AsSpan().SequenceEqual(b),
        (byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b),
        (short[] a, short[] b) => a.AsSpan().SequenceEqual(b),
        (ushort[] a, ushort[] b) => a.AsSpan().SequenceEqual(b),
        (int[] a, int[] b) => a.AsSpan().SequenceEqual(b),
        (uint[] a, uint[] b) => a.AsSpan().SequenceEqual(b),
        (long[] a, long[] b) => a.AsSpan().SequenceEqual(b),
        (ulong[] a, ulong[] b) => a.AsSpan().SequenceEqual(b),
        (string?[] a, string?[] b) => a.AsSpan().SequenceEqual(b),
        (UaDateTime[] a, UaDateTime[] b) => a.AsSpan().SequenceEqual(b),
        (Guid[] a, Guid[] b) => a.AsSpan().SequenceEqual(b),
        (XmlElement[] a, XmlElement[] b) => a.AsSpan().SequenceEqual(b),
        (NodeId[] a, NodeId[] b) => a.AsSpan().SequenceEqual(b),
        (ExpandedNodeId[] a, ExpandedNodeId[] b) => a.AsSpan().SequenceEqual(b),
        (StatusCode[] a, StatusCode[] b) => a.AsSpan().SequenceEqual(b),
        (QualifiedName[] a, QualifiedName[] b) => a.AsSpan().SequenceEqual(b),
        (LocalizedText[] a, LocalizedText[] b) => a.AsSpan().SequenceEqual(b),
        (ExtensionObject?[] a, ExtensionObject?[] b) => a.AsSpan().SequenceEqual(b),
        (DataValue[] a, DataValue[] b) => a.AsSpan().SequenceEqual(b),
        (Variant[] a, Variant[] b) => a.AsSpan().SequenceEqual(b),
        (DiagnosticInfo?[] a, DiagnosticInfo?[] b) => a.AsSpan().SequenceEqual(b),
        _ => false,
    };

    private static bool SameBytes(byte[]?[] left, byte[]?[] right)
    {
        for (var i = 0; i < left.Length; i++)
        {
            if ((left[i] is null) != (right[i] is null) || !left[i].AsSpan().SequenceEqual(right[i]))
            {
                return false;
            }
        }

        return true;
    }
}
