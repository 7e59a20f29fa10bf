using System.Globalization;
using System.Numerics;

namespace ZfRepl.Hosting.Configuration;

/// <content>Single values.</content>
public sealed partial class ConfigSection
{
    /// <summary>A text. A plain number or switch is taken as it is written, so <c>password: 0123</c> stays <c>0123</c>.</summary>
    public string? String(string key) => Value(key, "a text", "write a text behind the colon")?.Text;

    /// <summary>One of the names of an enumeration, whatever their case and with or without <c>_</c> and <c>-</c>.</summary>
    /// <remarks>Messages show the names in snake_case.</remarks>
    public T? Enum<T>(string key)
        where T : struct, Enum
    {
        var names = System.Enum.GetNames<T>();
        var expected = $"one of {string.Join(", ", names.Select(SnakeCase))}";
        if (Value(key, expected, "write one of the names") is not { } value)
        {
            return null;
        }

        var index = Array.FindIndex(names, n => string.Equals(Bare(n), Bare(value.Text), StringComparison.OrdinalIgnoreCase));
        if (index >= 0)
        {
            return System.Enum.Parse<T>(names[index]);
        }

        var nearest = NearestName.Find(value.Text, names.Select(SnakeCase));
        Refuse(value, expected, nearest is null ? "write one of the names" : $"did you mean `{nearest}`?");
        return null;
    }

    /// <summary>A whole number within limits, both included. Underscores between digits and 0x, 0o, 0b are allowed, quotes are not.</summary>
    /// <param name="key">The key.</param>
    /// <param name="minimum">Least value allowed.</param>
    /// <param name="maximum">Greatest value allowed.</param>
    /// <param name="unit">The unit for messages, such as <c>bytes</c>; may be empty.</param>
    public int? Int32(string key, int minimum = int.MinValue, int maximum = int.MaxValue, string unit = "") =>
        Integer(key, minimum, maximum, unit) is { } value ? (int)value : null;

    /// <inheritdoc cref="Int32"/>
    public long? Int64(string key, long minimum = long.MinValue, long maximum = long.MaxValue, string unit = "") =>
        Integer(key, minimum, maximum, unit) is { } value ? (long)value : null;

    /// <summary>A finite number within limits, both included.</summary>
    /// <inheritdoc cref="Int32"/>
    public double? Double(string key, double minimum = double.MinValue, double maximum = double.MaxValue, string unit = "")
    {
        const string Remedy = "write a number without quotes, such as 0.5";
        return Plain(key, "a number", Remedy) is { } value
            ? Within(value, ScalarText.Number(value.Text), minimum, maximum, "a finite number", Remedy, Show, unit)
            : null;
    }

    /// <summary><c>true</c> or <c>false</c>; also <c>yes</c>, <c>no</c>, <c>on</c>, <c>off</c>, as YAML 1.1 has them. No quotes.</summary>
    public bool? Bool(string key)
    {
        if (Plain(key, "true or false", "write true or false without quotes") is not { } value)
        {
            return null;
        }

        var result = ScalarText.Switch(value.Text);
        if (result is null)
        {
            Refuse(value, "true or false", "write true or false without quotes");
        }

        return result;
    }

    /// <summary>A duration: a number of seconds, or a number with <c>ms</c>, <c>s</c>, <c>m</c>, <c>h</c> or <c>d</c>. To 100 ns.</summary>
    /// <param name="key">The key.</param>
    /// <param name="minimum">Least value allowed; zero by default.</param>
    /// <param name="maximum">Greatest value allowed; 36,500 days by default.</param>
    public TimeSpan? Duration(string key, TimeSpan? minimum = null, TimeSpan? maximum = null)
    {
        const string Remedy = "write seconds, or a number with a unit such as 500ms, 10s, 5m, 2h, 1d";
        var (least, greatest) = (minimum ?? TimeSpan.Zero, maximum ?? TimeSpan.FromDays(36_500));
        return Value(key, "a duration", Remedy) is { } value
            ? Within(value, QuantityText.Duration(value.Text), least, greatest, "a duration", Remedy, QuantityText.Show)
            : null;
    }

    /// <summary>A number of bytes, or one with a unit: <c>KiB MiB GiB TiB</c> (powers of 1024), <c>kB MB GB TB</c> (powers of 1000).</summary>
    /// <param name="key">The key.</param>
    /// <param name="minimum">Least value allowed, in bytes.</param>
    /// <param name="maximum">Greatest value allowed, in bytes.</param>
    public long? ByteSize(string key, long minimum = 0, long maximum = long.MaxValue)
    {
        const string Remedy = "write bytes, or a number with a unit such as 64KiB or 2MB";
        return Value(key, "a size", Remedy) is { } value
            ? Within(value, QuantityText.Bytes(value.Text), minimum, maximum, "a size in whole bytes", Remedy, Show, "bytes")
            : null;
    }

    /// <summary>A path, made absolute from the base folder; nothing is checked on disk.</summary>
    public string? FilePath(string key)
    {
        if (Value(key, "a path", "write a path") is not { } value)
        {
            return null;
        }

        if (value.Text.Length == 0 || value.Text.Contains('\0', StringComparison.Ordinal))
        {
            Refuse(value, "a path", "write a path");
            return null;
        }

        if (value.Text[0] == '~')
        {
            Refuse(value, "a path; `~` has no meaning here", "write ${HOME}/...");
            return null;
        }

        return System.IO.Path.GetFullPath(value.Text, _context.BaseFolder);
    }

    /// <summary>Makes a path absolute as <see cref="FilePath"/> does, for defaults.</summary>
    public string ResolvePath(string path) => System.IO.Path.GetFullPath(path, _context.BaseFolder);

    /// <summary>A secret: a text, a text with <c>${NAME}</c>, or <c>file:PATH</c>. Never shown in messages.</summary>
    /// <remarks>
    /// The file must be closed to all other accounts (mode 0600 or stricter), at most 64 KiB of UTF-8 and not empty; line ends behind
    /// the secret are cut. A secret that stands in a configuration file which others can read is reported as a warning.
    /// </remarks>
    public string? Secret(string key)
    {
        const string FilePrefix = "file:";
        if (Value(key, "a secret", "write a text, ${NAME}, or file:PATH") is not { } value)
        {
            return null;
        }

        if (!value.Node.Text.StartsWith(FilePrefix, StringComparison.Ordinal))
        {
            if (_context.IsOpenToOthers && value.Node.Text == value.Text && value.Text.Length > 0)
            {
                Warning(
                    key, $"the secret `{key}` stands in a file that other accounts can read",
                    "chmod 600 the file, or write ${NAME} or file:PATH", ConfigCodes.Secret);
            }

            return value.Text;
        }

        return SecretFromFile(key, value.Text[FilePrefix.Length..]);
    }

    /// <summary>A secret in a file that need not be named in the configuration, under the same rules as <c>file:PATH</c>.</summary>
    /// <param name="key">The key to report at, present or not.</param>
    /// <param name="path">The file.</param>
    /// <returns>The secret; null when it can't be read, which is reported.</returns>
    public string? SecretFromFile(string key, string path)
    {
        var secret = SecretFile.Read(ResolvePath(path), out var problem, out var remedy);
        if (secret is null)
        {
            Error(key, $"`{key}`: {problem}", remedy, ConfigCodes.Secret);
        }

        return secret;
    }

    private Int128? Integer(string key, Int128 minimum, Int128 maximum, string unit)
    {
        if (Plain(key, "a whole number", "write digits without quotes") is not { } value)
        {
            return null;
        }

        var remedy = ScalarText.HasLeadingZeros(value.Text)
            ? "remove the leading zero, or write 0o in front of an octal number"
            : "write digits without quotes";
        return Within(value, ScalarText.Integer(value.Text), minimum, maximum, "a whole number", remedy, Show, unit);
    }

    private T? Within<T>(Found found, T? value, T minimum, T maximum, string expected, string remedy, Func<T, string> show, string unit = "")
        where T : struct, IComparable<T>
    {
        if (value is not { } known)
        {
            Refuse(found, expected, remedy);
            return null;
        }

        if (known.CompareTo(minimum) >= 0 && known.CompareTo(maximum) <= 0)
        {
            return known;
        }

        var behind = unit.Length == 0 ? "" : $" {unit}";
        Report(ConfigCodes.OutOfRange, found.Node.Place, found.Path,
            $"`{found.Key}` is {found.Node.Shown}, allowed is {show(minimum)} to {show(maximum)}{behind}", "choose a value within the limits");
        return null;
    }

    /// <summary>The value of a key as a text with its variables put in; null when there is none or it was refused.</summary>
    private Found? Value(string key, string expected, string remedy) =>
        Find(key) is { } entry ? Scalar(key, Join(key), entry.Value, expected, remedy) : null;

    /// <summary>As <see cref="Value"/>, refusing quotes: a quoted number is a text in YAML.</summary>
    private Found? Plain(string key, string expected, string remedy)
    {
        if (Value(key, expected, remedy) is not { } value)
        {
            return null;
        }

        if (!value.Node.IsPlain)
        {
            Refuse(value, expected, "remove the quotes");
            return null;
        }

        return value;
    }

    private Found? Scalar(string key, string path, ConfigNode node, string expected, string remedy)
    {
        if (node is not ScalarNode scalar)
        {
            Report(ConfigCodes.WrongType, node.Place, path, $"`{key}` is {node.Shown}, expected {expected}", remedy);
            return null;
        }

        if (scalar.IsNull)
        {
            return null;
        }

        var text = EnvironmentText.Expand(scalar.Text, _context.Environment, out var problem);
        if (text is null)
        {
            Report(ConfigCodes.Environment, scalar.Place, path, $"`{key}`: {problem}", "set it for the service, or write $${ for a plain ${");
            return null;
        }

        return new Found(key, path, scalar, text);
    }

    /// <remarks>Shows the value as the file has it, since what a variable holds may be a secret.</remarks>
    private void Refuse(Found value, string expected, string remedy) =>
        Report(ConfigCodes.WrongType, value.Node.Place, value.Path, $"`{value.Key}` is {value.Node.Shown}, expected {expected}", remedy);

    private static string Show<T>(T value)
        where T : INumber<T> => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Bare(string name) =>
        name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal);

    private static string SnakeCase(string name) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    private readonly record struct Found(string Key, string Path, ScalarNode Node, string Text);
}
