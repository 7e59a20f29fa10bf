namespace ZfRepl.OpcUa.Types;

/// <summary>A list with dimensions: the elements row by row, the last dimension running fastest (OPC 10000-6, 5.2.2.16).</summary>
public sealed class VariantMatrix
{
    /// <summary>A matrix; neither array is copied.</summary>
    /// <exception cref="ArgumentException">A dimension is negative, or their product is not the number of elements.</exception>
    public VariantMatrix(Array elements, int[] dimensions)
    {
        if (!Fits(elements.Length, dimensions))
        {
            throw new ArgumentException("The product of the dimensions must be the number of elements.", nameof(dimensions));
        }

        Elements = elements;
        Dimensions = dimensions;
    }

    /// <summary>The elements in one row.</summary>
    public Array Elements { get; }

    /// <summary>The length of each dimension.</summary>
    public int[] Dimensions { get; }

    /// <summary>True when the dimensions describe exactly <paramref name="count"/> elements.</summary>
    internal static bool Fits(int count, ReadOnlySpan<int> dimensions)
    {
        var product = 1L;
        foreach (var dimension in dimensions)
        {
            // The product stays below 2^31 while it counts, so the multiplication cannot overflow 64 bits.
            product *= dimension;
            if (product < 0 || dimension < 0 || product > int.MaxValue)
            {
                return false;
            }
        }

        return product == count && dimensions.Length > 0;
    }
}
