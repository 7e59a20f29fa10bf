using ZfRepl.Hosting.Configuration;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Configuration;

public sealed class ConfigSecretTests : IDisposable
{
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_secret_comes_from_the_text_the_environment_or_a_file()
    {
        Write("key", "s3cret\n", Own);
        var document = Load("a: plain\nb: ${KEY}\nc: file:key\nd: file:${DIR}/key\ne: null\nf: 0123\n", Own);
        Assert.Equal("plain", document.Root.Secret("a"));
        Assert.Equal("from-env", document.Root.Secret("b"));
        Assert.Equal("s3cret", document.Root.Secret("c"));
        Assert.Equal("s3cret", document.Root.Secret("d"));
        Assert.Null(document.Root.Secret("e"));
        Assert.Equal("0123", document.Root.Secret("f"));
        Assert.Empty(document.Errors);
        Assert.Empty(document.Warnings);
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void A_secret_file_that_others_can_open_is_refused_with_the_command_to_close_it(UnixFileMode extra)
    {
        Write("key", "s3cret", Own | extra);
        var document = Load("a: file:key\n", Own);
        Assert.Null(document.Root.Secret("a"));
        var error = Assert.Single(document.Errors);
        Assert.Equal($"{_folder["svc.yml"]}:1:4: error: `a`: the secret's file {_folder["key"]} is open to other accounts (chmod 600 {_folder["key"]})", error.ToString());
    }

    [Fact]
    public void A_missing_empty_or_endless_secret_file_is_an_error()
    {
        Write("empty", "\n", Own);
        Write("large", new string('x', 70_000), Own);
        var document = Load("a: file:none\nb: file:empty\nc: file:large\nd: 'file:'\ne: file:/dev/zero\n", Own);
        foreach (var key in document.Root.Keys)
        {
            Assert.Null(document.Root.Secret(key));
        }

        Assert.Equal(5, document.Errors.Count);
        Assert.Contains("none is not there (write the secret into it, mode 0600 (a key: zfrepl key new)", document.Errors[0].ToString(), StringComparison.Ordinal);
        Assert.Contains("empty is empty (write the secret into it (a key: zfrepl key new))", document.Errors[1].ToString(), StringComparison.Ordinal);
        Assert.All(document.Errors, e => Assert.Equal(ConfigCodes.Secret, e.Code));
    }

    [Fact]
    public void An_environment_value_is_never_taken_for_a_file_or_another_variable()
    {
        var document = ConfigDocument.Parse("a: ${X}\n", "f.yml", new ConfigOptions { Environment = _ => "file:${X}" });
        Assert.Equal("file:${X}", document.Root.Secret("a"));
        Assert.True(document.IsValid);
    }

    [Fact]
    public void A_literal_secret_in_a_file_for_all_to_read_is_a_warning()
    {
        Write("key", "s3cret", Own);
        var document = Load("a: plain\nb: ${KEY}\nc: file:key\n", Own | UnixFileMode.OtherRead);
        Assert.Equal(["plain", "from-env", "s3cret"], document.Root.Keys.Select(k => document.Root.Secret(k)));
        var warning = Assert.Single(document.Warnings);
        Assert.Equal(1, warning.Line);
        Assert.DoesNotContain("plain", warning.ToString(), StringComparison.Ordinal);
    }

    private ConfigDocument Load(string text, UnixFileMode mode)
    {
        Write("svc.yml", text, mode);
        return ConfigDocument.Load(_folder["svc.yml"], new ConfigOptions
        {
            Environment = name => name switch
            {
                "KEY" => "from-env",
                "DIR" => _folder.Path,
                _ => null,
            },
        });
    }

    private void Write(string name, string text, UnixFileMode mode)
    {
        File.WriteAllText(_folder[name], text);
        File.SetUnixFileMode(_folder[name], mode);
    }
}
