using System.Globalization;
using ZfRepl.Hosting.Configuration;

namespace ZfRepl.Hosting.Tests.Configuration;

/// <summary>One row per accessor and form of value: what comes out, or the whole line that an operator reads.</summary>
public sealed class ConfigValueTests
{
    private enum Mode
    {
        Group,
        Always,
        SignAndEncrypt,
    }

    [Theory]
    [InlineData("abc", "abc")]
    [InlineData("\"2_0\"", "2_0")]
    [InlineData("0123", "0123")]
    [InlineData("true", "true")]
    [InlineData("'null'", "null")]
    [InlineData("\"\"", "")]
    [InlineData("null", null)]
    [InlineData("", null)]
    [InlineData("~", null)]
    [InlineData("!!str 5", "5")]
    [InlineData("${HOME_DIR}/x", "/home/op/x")]
    [InlineData("a$${HOME_DIR}b", "a${HOME_DIR}b")]
    [InlineData("cost$5", "cost$5")]
    [InlineData("[1]", "f.yml:1:4: error: `k` is a list, expected a text (write a text behind the colon)")]
    [InlineData("{a: 1}", "f.yml:1:4: error: `k` is a section, expected a text (write a text behind the colon)")]
    [InlineData("${NOT_SET}", "f.yml:1:4: error: `k`: the environment variable NOT_SET is not set (set it for the service, or write $${ for a plain ${)")]
    [InlineData("\"a ${b-c}\"", "f.yml:1:4: error: `k`: `${b` is not the name of a variable in braces (set it for the service, or write $${ for a plain ${)")]
    [InlineData("\"a ${} \"", "f.yml:1:4: error: `k`: `${}` is not the name of a variable in braces (set it for the service, or write $${ for a plain ${)")]
    public void Texts(string yaml, string? expected) => Check(yaml, expected, section => section.String("k"));

    [Theory]
    [InlineData("5", "5")]
    [InlineData("-5", "-5")]
    [InlineData("+5", "5")]
    [InlineData("0", "0")]
    [InlineData("2_000", "2000")]
    [InlineData("0x1F", "31")]
    [InlineData("0o17", "15")]
    [InlineData("0b1_01", "5")]
    [InlineData("${FIVE}", "5")]
    [InlineData("null", null)]
    [InlineData("3000", "f.yml:1:4: error: `k` is '3000', allowed is -100 to 2000 events (choose a value within the limits)")]
    [InlineData("-101", "f.yml:1:4: error: `k` is '-101', allowed is -100 to 2000 events (choose a value within the limits)")]
    [InlineData("99999999999999999999999999999999999999999999999", "f.yml:1:4: error: `k` is '99999999999999999999999999999999999999999999999', allowed is -100 to 2000 events (choose a value within the limits)")]
    [InlineData("007", "f.yml:1:4: error: `k` is '007', expected a whole number (remove the leading zero, or write 0o in front of an octal number)")]
    [InlineData("\"5\"", "f.yml:1:4: error: `k` is the quoted text \"5\", expected a whole number (remove the quotes)")]
    [InlineData("5.0", "f.yml:1:4: error: `k` is '5.0', expected a whole number (write digits without quotes)")]
    [InlineData("1__0", "f.yml:1:4: error: `k` is '1__0', expected a whole number (write digits without quotes)")]
    [InlineData("_10", "f.yml:1:4: error: `k` is '_10', expected a whole number (write digits without quotes)")]
    [InlineData("10_", "f.yml:1:4: error: `k` is '10_', expected a whole number (write digits without quotes)")]
    [InlineData("0x", "f.yml:1:4: error: `k` is '0x', expected a whole number (write digits without quotes)")]
    [InlineData("0b2", "f.yml:1:4: error: `k` is '0b2', expected a whole number (write digits without quotes)")]
    [InlineData("1:30", "f.yml:1:4: error: `k` is '1:30', expected a whole number (write digits without quotes)")]
    [InlineData("many", "f.yml:1:4: error: `k` is 'many', expected a whole number (write digits without quotes)")]
    [InlineData("${WORD}", "f.yml:1:4: error: `k` is '${WORD}', expected a whole number (write digits without quotes)")]
    public void Whole_numbers(string yaml, string? expected) => Check(yaml, expected, section => section.Int32("k", -100, 2000, "events"));

    [Theory]
    [InlineData("9_223_372_036_854_775_807", "9223372036854775807")]
    [InlineData("-9223372036854775808", "-9223372036854775808")]
    [InlineData("9223372036854775808", "f.yml:1:4: error: `k` is '9223372036854775808', allowed is -9223372036854775808 to 9223372036854775807 (choose a value within the limits)")]
    public void Long_whole_numbers(string yaml, string? expected) => Check(yaml, expected, section => section.Int64("k"));

    [Theory]
    [InlineData("0.5", "0.5")]
    [InlineData(".5", "0.5")]
    [InlineData("5", "5")]
    [InlineData("1e3", "1000")]
    [InlineData("-2.5E-1", "-0.25")]
    [InlineData("1_00.5", "100.5")]
    [InlineData("~", null)]
    [InlineData("1001", "f.yml:1:4: error: `k` is '1001', allowed is -1 to 1000 % (choose a value within the limits)")]
    [InlineData(".inf", "f.yml:1:4: error: `k` is '.inf', expected a finite number (write a number without quotes, such as 0.5)")]
    [InlineData("NaN", "f.yml:1:4: error: `k` is 'NaN', expected a finite number (write a number without quotes, such as 0.5)")]
    [InlineData("1e999", "f.yml:1:4: error: `k` is '1e999', expected a finite number (write a number without quotes, such as 0.5)")]
    [InlineData("\"0.5\"", "f.yml:1:4: error: `k` is the quoted text \"0.5\", expected a number (remove the quotes)")]
    [InlineData("1,5", "f.yml:1:4: error: `k` is '1,5', expected a finite number (write a number without quotes, such as 0.5)")]
    public void Numbers(string yaml, string? expected) => Check(yaml, expected, section => section.Double("k", -1, 1000, "%"));

    [Theory]
    [InlineData("true", "True")]
    [InlineData("FALSE", "False")]
    [InlineData("yes", "True")]
    [InlineData("off", "False")]
    [InlineData("", null)]
    [InlineData("1", "f.yml:1:4: error: `k` is '1', expected true or false (write true or false without quotes)")]
    [InlineData("'true'", "f.yml:1:4: error: `k` is the quoted text \"true\", expected true or false (remove the quotes)")]
    [InlineData("[true]", "f.yml:1:4: error: `k` is a list, expected true or false (write true or false without quotes)")]
    public void Switches(string yaml, string? expected) => Check(yaml, expected, section => section.Bool("k"));

    [Theory]
    [InlineData("group", "Group")]
    [InlineData("Always", "Always")]
    [InlineData("sign_and_encrypt", "SignAndEncrypt")]
    [InlineData("SignAndEncrypt", "SignAndEncrypt")]
    [InlineData("sign-and-encrypt", "SignAndEncrypt")]
    [InlineData("null", null)]
    [InlineData("grup", "f.yml:1:4: error: `k` is 'grup', expected one of group, always, sign_and_encrypt (did you mean `group`?)")]
    [InlineData("0", "f.yml:1:4: error: `k` is '0', expected one of group, always, sign_and_encrypt (write one of the names)")]
    [InlineData("'group,always'", "f.yml:1:4: error: `k` is the quoted text \"group,always\", expected one of group, always, sign_and_encrypt (write one of the names)")]
    public void Names(string yaml, string? expected) => Check(yaml, expected, section => section.Enum<Mode>("k"));

    [Theory]
    [InlineData("600", "00:10:00")]
    [InlineData("0.25", "00:00:00.2500000")]
    [InlineData("\"600\"", "00:10:00")]
    [InlineData("86_400", "1.00:00:00")]
    [InlineData("500ms", "00:00:00.5000000")]
    [InlineData("10s", "00:00:10")]
    [InlineData("10 s", "00:00:10")]
    [InlineData("5m", "00:05:00")]
    [InlineData("1.5h", "01:30:00")]
    [InlineData("1d", "1.00:00:00")]
    [InlineData("null", null)]
    [InlineData("0", "f.yml:1:4: error: `k` is '0', allowed is 1 ms to 604800 s (choose a value within the limits)")]
    [InlineData("-1", "f.yml:1:4: error: `k` is '-1', allowed is 1 ms to 604800 s (choose a value within the limits)")]
    [InlineData("8d", "f.yml:1:4: error: `k` is '8d', allowed is 1 ms to 604800 s (choose a value within the limits)")]
    [InlineData("1w", "f.yml:1:4: error: `k` is '1w', expected a duration (write seconds, or a number with a unit such as 500ms, 10s, 5m, 2h, 1d)")]
    [InlineData("soon", "f.yml:1:4: error: `k` is 'soon', expected a duration (write seconds, or a number with a unit such as 500ms, 10s, 5m, 2h, 1d)")]
    [InlineData("0x1d", "f.yml:1:4: error: `k` is '0x1d', expected a duration (write seconds, or a number with a unit such as 500ms, 10s, 5m, 2h, 1d)")]
    [InlineData("1e40", "f.yml:1:4: error: `k` is '1e40', expected a duration (write seconds, or a number with a unit such as 500ms, 10s, 5m, 2h, 1d)")]
    [InlineData("999999999999999999999999999999", "f.yml:1:4: error: `k` is '999999999999999999999999999999', expected a duration (write seconds, or a number with a unit such as 500ms, 10s, 5m, 2h, 1d)")]
    [InlineData("ms", "f.yml:1:4: error: `k` is 'ms', expected a duration (write seconds, or a number with a unit such as 500ms, 10s, 5m, 2h, 1d)")]
    public void Durations(string yaml, string? expected) =>
        Check(yaml, expected, section => section.Duration("k", TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(7)));

    [Theory]
    [InlineData("2_000_000", "2000000")]
    [InlineData("64KiB", "65536")]
    [InlineData("64 KiB", "65536")]
    [InlineData("2MB", "2000000")]
    [InlineData("1.5MiB", "1572864")]
    [InlineData("3kB", "3000")]
    [InlineData("512B", "512")]
    [InlineData("1GiB", "1073741824")]
    [InlineData("null", null)]
    [InlineData("100", "f.yml:1:4: error: `k` is '100', allowed is 512 to 2147483648 bytes (choose a value within the limits)")]
    [InlineData("4TiB", "f.yml:1:4: error: `k` is '4TiB', allowed is 512 to 2147483648 bytes (choose a value within the limits)")]
    [InlineData("2M", "f.yml:1:4: error: `k` is '2M', expected a size in whole bytes (write bytes, or a number with a unit such as 64KiB or 2MB)")]
    [InlineData("1000.5", "f.yml:1:4: error: `k` is '1000.5', expected a size in whole bytes (write bytes, or a number with a unit such as 64KiB or 2MB)")]
    [InlineData("99999999999TiB", "f.yml:1:4: error: `k` is '99999999999TiB', expected a size in whole bytes (write bytes, or a number with a unit such as 64KiB or 2MB)")]
    public void Sizes(string yaml, string? expected) => Check(yaml, expected, section => section.ByteSize("k", 512, 2L << 30));

    [Theory]
    [InlineData("var/spool", "/srv/zf/var/spool")]
    [InlineData("/abs/../spool/", "/spool/")]
    [InlineData("${HOME_DIR}/x", "/home/op/x")]
    [InlineData("null", null)]
    [InlineData("''", "f.yml:1:4: error: `k` is the quoted text \"\", expected a path (write a path)")]
    [InlineData("\"a\\0b\"", "f.yml:1:4: error: `k` is the quoted text \"a\\u0000b\", expected a path (write a path)")]
    [InlineData("~/spool", "f.yml:1:4: error: `k` is '~/spool', expected a path; `~` has no meaning here (write ${HOME}/...)")]
    public void Paths(string yaml, string? expected) => Check(yaml, expected, section => section.FilePath("k"));

    [Theory]
    [InlineData("one", "one")]
    [InlineData("[a, 5, true]", "a|5|true")]
    [InlineData("[]", "")]
    [InlineData("null", null)]
    [InlineData("['${FIVE}']", "5")]
    [InlineData("[a, null]", "f.yml:1:8: error: `k` holds an entry without a value, expected a text (write it out or remove the entry)")]
    [InlineData("[a, [b]]", "f.yml:1:8: error: `k` is a list, expected a text (write a text)")]
    [InlineData("{a: b}", "f.yml:1:4: error: `k` is a section, expected a text or a list of texts (write a text, or one per line with `- ` in front)")]
    public void Text_lists(string yaml, string? expected) =>
        Check(yaml, expected, section => section.Strings("k") is { } texts ? string.Join('|', texts) : null);

    [Theory]
    [InlineData("127.0.0.1:2873", "127.0.0.1:2873")]
    [InlineData("[broker-1.plant:8883, '[::1]:1883']", "broker-1.plant:8883|[::1]:1883")]
    [InlineData("broker", "broker:1883")]
    [InlineData("'[fe80::1]'", "[fe80::1]:1883")]
    [InlineData("null", null)]
    [InlineData("mqtt://broker:1", "f.yml:1:4: error: `k`: 'mqtt://broker:1' has a scheme in front (write host:port, for instance 10.0.0.5:1883 or [::1]:1883)")]
    [InlineData("broker:0", "f.yml:1:4: error: `k`: 'broker:0' has a port outside 1 to 65535 (write host:port, for instance 10.0.0.5:1883 or [::1]:1883)")]
    [InlineData("'broker:'", "f.yml:1:4: error: `k`: the quoted text \"broker:\" has a port outside 1 to 65535 (write host:port, for instance 10.0.0.5:1883 or [::1]:1883)")]
    [InlineData("broker:65536", "f.yml:1:4: error: `k`: 'broker:65536' has a port outside 1 to 65535 (write host:port, for instance 10.0.0.5:1883 or [::1]:1883)")]
    [InlineData("fe80::1:1883", "f.yml:1:4: error: `k`: 'fe80::1:1883' has an IPv6 address without brackets (write host:port, for instance 10.0.0.5:1883 or [::1]:1883)")]
    [InlineData("'[nonsense]:1'", "f.yml:1:4: error: `k`: the quoted text \"[nonsense]:1\" has a host that is neither a name nor an address (write host:port, for instance 10.0.0.5:1883 or [::1]:1883)")]
    [InlineData("'a b:1'", "f.yml:1:4: error: `k`: the quoted text \"a b:1\" has a host that is neither a name nor an address (write host:port, for instance 10.0.0.5:1883 or [::1]:1883)")]
    [InlineData("':1883'", "f.yml:1:4: error: `k`: the quoted text \":1883\" has no host (write host:port, for instance 10.0.0.5:1883 or [::1]:1883)")]
    public void Hosts(string yaml, string? expected) =>
        Check(yaml, expected, section => section.Hosts("k", 1883) is { } hosts ? string.Join('|', hosts) : null);

    [Fact]
    public void A_host_needs_its_port_when_there_is_no_default()
    {
        var document = Read("k:\n  - a:1\n  - b\n");
        document.Root.Hosts("k");
        Assert.Equal(
            ["f.yml:3:5: error: `k`: 'b' has no port (write host:port, for instance 10.0.0.5:1883 or [::1]:1883)"],
            document.Errors.Select(e => e.ToString()));
        Assert.Equal("k[1]", document.Errors[0].Path);
    }

    [Theory]
    [InlineData("{a: x, b: 5}", "a=x|b=5")]
    [InlineData("null", null)]
    [InlineData("[a]", "f.yml:1:4: error: `k` is a list, expected names with texts (write `name: text` lines below it)")]
    [InlineData("{a: }", "f.yml:1:8: error: `a` holds an entry without a value, expected a text (write it out or remove the entry)")]
    public void Text_maps(string yaml, string? expected) =>
        Check(yaml, expected, section => section.StringMap("k") is { } map ? string.Join('|', map.Select(p => $"{p.Key}={p.Value}")) : null);

    internal static ConfigDocument Read(string text) => ConfigDocument.Parse(text, "f.yml", new ConfigOptions
    {
        BaseFolder = "/srv/zf",
        Environment = name => name switch
        {
            "HOME_DIR" => "/home/op",
            "FIVE" => "5",
            "WORD" => "top-secret",
            _ => null,
        },
    });

    private static void Check<T>(string yaml, string? expected, Func<ConfigSection, T> read)
    {
        var document = Read($"k: {yaml}\n");
        var found = read(document.Root);
        document.Finish();
        if (expected?.StartsWith("f.yml:", StringComparison.Ordinal) == true)
        {
            Assert.Equal([expected], document.Errors.Select(e => e.ToString()));
            Assert.StartsWith("k", document.Errors[0].Path, StringComparison.Ordinal);
            return;
        }

        Assert.Empty(document.Errors);
        Assert.Equal(expected, found is TimeSpan span ? span.ToString("c", CultureInfo.InvariantCulture) : (found as IFormattable)?.ToString(null, CultureInfo.InvariantCulture) ?? found?.ToString());
    }
}
