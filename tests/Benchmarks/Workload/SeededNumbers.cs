using System.Numerics;

namespace ZfRepl.Benchmarks.Workload;

/// <summary>Numbers that the seed alone decides, on every machine and runtime (xorshift64*). Not thread-safe.</summary>
internal sealed class SeededNumbers(ulong seed)
{
    // The generator never leaves zero, and small seeds need stirring.
    private ulong _state = unchecked((seed + 1) * 0xD1342543DE82EF95 | 1);

    /// <summary>64 bits.</summary>
    public ulong Bits()
    {
        _state ^= _state >> 12;
        _state ^= _state << 25;
        _state ^= _state >> 27;
        return unchecked(_state * 0x2545F4914F6CDD1D);
    }

    /// <summary>A whole number from 0 to below the bound, each as likely.</summary>
    public int Below(int bound) => (int)Math.BigMul(Bits(), (ulong)bound, out _);

    /// <summary>True in so many of a thousand cases.</summary>
    public bool Once(int perMille) => Below(1000) < perMille;

    /// <summary>
    /// About normally distributed around 0: bits that are set in 256 random ones (variance 64), smoothed by a uniform number, so that no
    /// function whose last bit depends on the machine is needed.
    /// </summary>
    public double Normal(double sigma)
    {
        var set = BitOperations.PopCount(Bits()) + BitOperations.PopCount(Bits()) + BitOperations.PopCount(Bits()) + BitOperations.PopCount(Bits());
        var smooth = (Bits() >> 11) * (1.0 / (1UL << 53)) - 0.5;
        return (set - 128 + smooth) * sigma / 8.005;
    }
}
