using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ZfRepl.Mqtt.Broker;

/// <summary>
/// Passwords as they may stand in a configuration: "pbkdf2-sha512$ITERATIONS$SALT$HASH" with salt and hash in Base64. Pure functions, thread-safe.
/// </summary>
public static class MqttPasswordHash
{
    private const string Scheme = "pbkdf2-sha512";
    private const int IterationsDefault = 210_000;
    private const int IterationsMin = 1_000;
    private const int IterationsMax = 5_000_000;
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    /// <summary>Hashes a password with a fresh salt.</summary>
    /// <param name="password">The password; must not be empty.</param>
    /// <param name="iterations">1,000 to 5,000,000; each verification costs as many.</param>
    /// <exception cref="ArgumentException">The password is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The iterations are out of range.</exception>
    public static string Create(string password, int iterations = IterationsDefault)
    {
        ArgumentException.ThrowIfNullOrEmpty(password);
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, IterationsMin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(iterations, IterationsMax);
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var hash = Derive(Encoding.UTF8.GetBytes(password), salt, iterations, HashBytes);
        return string.Create(CultureInfo.InvariantCulture, $"{Scheme}${iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}");
    }

    /// <summary>True when <paramref name="text"/> is a hash that <see cref="Verify"/> understands.</summary>
    public static bool IsValid(string text) => TryParse(text, out _, out _, out _);

    /// <summary>True when the password fits the hash; false also when the hash cannot be read. Takes the same time for any password.</summary>
    public static bool Verify(ReadOnlySpan<byte> passwordUtf8, string text) =>
        TryParse(text, out var iterations, out var salt, out var hash)
        && CryptographicOperations.FixedTimeEquals(Derive(passwordUtf8, salt, iterations, hash.Length), hash);

    private static byte[] Derive(ReadOnlySpan<byte> password, byte[] salt, int iterations, int length) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA512, length);

    private static bool TryParse(string text, out int iterations, out byte[] salt, out byte[] hash)
    {
        (iterations, salt, hash) = (0, [], []);
        var parts = text.Split('$');
        return parts.Length == 4
            && parts[0] == Scheme
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out iterations)
            && iterations is >= IterationsMin and <= IterationsMax
            && TryDecode(parts[2], out salt)
            && TryDecode(parts[3], out hash);
    }

    private static bool TryDecode(string text, out byte[] bytes)
    {
        var buffer = new byte[text.Length];
        var isGood = Convert.TryFromBase64String(text, buffer, out var count) && count is >= SaltBytes and <= 64;
        bytes = isGood ? buffer[..count] : [];
        return isGood;
    }
}
