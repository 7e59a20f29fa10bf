using System.Numerics;

namespace ZfRepl.Core.Frames.Columns;

/// <summary>Scratch arrays that grow with the largest frame seen. Pure.</summary>
internal static class Scratch
{
    private const int LeastCount = 256;

    /// <summary>
    /// Makes room, in powers of two: frames of nearly one size would otherwise leave an array behind whenever one is a little larger than all
    /// before, and large arrays are not collected until much later. What was in the array is lost.
    /// </summary>
    /// <param name="array">The array.</param>
    /// <param name="count">How many elements it has to have; bounded by the caller.</param>
    public static void Reserve<T>(ref T[] array, int count)
    {
        if (array.Length < count)
        {
            array = new T[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(count, LeastCount))];
        }
    }
}
