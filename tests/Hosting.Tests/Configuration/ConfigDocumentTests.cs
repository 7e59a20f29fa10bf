using System.Diagnostics;
using System.Text;
using ZfRepl.Hosting.Configuration;
using ZfRepl.TestKit;

namespace ZfRepl.Hosting.Tests.Configuration;

public sealed class ConfigDocumentTests
{
    [Theory]
    [InlineData("a: 1\nb: [1, 2\nc: 3\n", "f.yml:3:1: error: not valid YAML: unexpected text, or a bracket, brace or quote above it that is still open")]
    [InlineData("a: 1\n\tb: 2\n", "f.yml:1:4: error: not valid YAML: While scanning a plain scalar, found a tab")]
    [InlineData("a: \"x\n", "f.yml:1:4: error: not valid YAML")]
    [InlineData("a: 1\nb:\n  c: 1\n d: 2\n", "f.yml:4:2: error: not valid YAML")]
    [InlineData("a: \"\\UFFFFFFFF\"\n", "f.yml:1:15: error: not valid YAML")]
    [InlineData("a: b: c\n", "f.yml:1:5: error: not valid YAML")]
    [InlineData("a: 1\n---\nb: 2\n", "f.yml:2:1: error: a second YAML document begins (keep one service in one file)")]
    [InlineData("- a\n- b\n", "f.yml:1:1: error: the file holds a list, expected keys with values (write `key: value` lines)")]
    [InlineData("just words\n", "f.yml:1:1: error: the file holds a single value, expected keys with values (write `key: value` lines)")]
    [InlineData("a: *nobody\n", "f.yml:1:4: error: the alias `*nobody` has no anchor above it (define it with & before its first use)")]
    [InlineData("a: &x [*x]\n", "f.yml:1:8: error: the alias `*x` has no anchor above it (define it with & before its first use)")]
    [InlineData("a: !python/object:os.system 5\n", "f.yml:1:4: error: unknown tag `!python/object:os.system` (remove the tag)")]
    [InlineData("a: !!set {b: }\n", "f.yml:1:4: error: unknown tag `tag:yaml.org,2002:set` (remove the tag)")]
    [InlineData("? [a, b]\n: c\n", "f.yml:1:3: error: a key is not a plain word (write the key as text)")]
    [InlineData("a: 1\n<<: 5\n", "f.yml:2:5: error: `<<` merges '5' (merge a section or a list of sections)")]
    public void What_is_not_one_mapping_in_YAML_is_an_error_with_its_place(string text, string start)
    {
        var document = ConfigDocument.Parse(text, "f.yml");
        Assert.False(document.IsValid);
        Assert.StartsWith(start, Assert.Single(document.Errors).ToString(), StringComparison.Ordinal);
        Assert.Empty(document.Root.Keys);
    }

    [Theory]
    [InlineData("a: 1\n\tb: 2\n")]
    [InlineData("a:\n  \tb: 1\n  c: 2\n")]
    public void A_tab_that_the_parser_stumbles_over_is_named_with_its_line(string text)
    {
        var error = Assert.Single(ConfigDocument.Parse(text, "f.yml").Errors);
        Assert.EndsWith("(indent line 2 with spaces, it has a tab)", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing but a comment\n")]
    [InlineData("---\n")]
    [InlineData("\ufeff")]
    public void A_file_without_keys_is_an_empty_section(string text)
    {
        var document = ConfigDocument.Parse(text, "f.yml");
        Assert.True(document.IsValid);
        document.Root.Require("config");
        Assert.Equal(["f.yml:1:1: error: `config` is missing (add `config: ...`)"], document.Errors.Select(e => e.ToString()));
    }

    [Fact]
    public void Every_mistake_of_a_file_is_reported_at_once_and_in_its_order()
    {
        var document = ConfigDocument.Parse(
            """
            config:
              collector:
                mailboxs: {}
                path: [a]
                keep: many
              collector:
                x: 1
              qeue_size: 0
            """,
            "svc.yml");
        var collector = document.Root.Section("config")!.Section("collector")!;
        collector.FilePath("path");
        collector.Duration("keep");
        collector.SectionMap("mailboxes");
        collector.Require("default_history_db_svc");
        document.Root.Section("config")!.Int32("queue_size");
        document.Finish();
        document.Finish();

        Assert.Equal(
            [
                "svc.yml:2:3: error: `default_history_db_svc` is missing in `config.collector` (add `default_history_db_svc: ...`)",
                "svc.yml:3:5: error: unknown key `mailboxs` in `config.collector` (did you mean `mailboxes`?)",
                "svc.yml:4:11: error: `path` is a list, expected a path (write a path)",
                "svc.yml:5:11: error: `keep` is 'many', expected a duration (write seconds, or a number with a unit such as 500ms, 10s, 5m, 2h, 1d)",
                "svc.yml:6:3: error: the key `collector` stands twice in this section, first in line 2 (keep one of them)",
                "svc.yml:8:3: error: unknown key `qeue_size` in `config` (did you mean `queue_size`?)",
            ],
            document.Errors.Select(e => e.ToString()));
        Assert.Equal(
            [
                "config.collector.default_history_db_svc", "config.collector.mailboxs", "config.collector.path", "config.collector.keep",
                "config.collector", "config.qeue_size",
            ],
            document.Errors.Select(e => e.Path));
        Assert.Equal(
            [ConfigCodes.Missing, ConfigCodes.UnknownKey, ConfigCodes.WrongType, ConfigCodes.WrongType, ConfigCodes.DuplicateKey, ConfigCodes.UnknownKey],
            document.Errors.Select(e => e.Code));
    }

    [Theory]
    [InlineData("mailbox", "did you mean `mailboxes`?")]
    [InlineData("maliboxes", "did you mean `mailboxes`?")]
    [InlineData("PATH", "did you mean `path`?")]
    [InlineData("block_ttl", "did you mean `block_ttl_sec`?")]
    [InlineData("max_block_bytes", "did you mean `max_block_size`?")]
    [InlineData("zzz", "known here: block_ttl_sec, mailboxes, max_block_size, path")]
    public void An_unknown_key_comes_with_the_nearest_known_one(string key, string remedy)
    {
        var document = ConfigDocument.Parse($"{key}: 1\n", "f.yml");
        document.Root.Ignore("mailboxes", "path", "block_ttl_sec", "max_block_size");
        document.Finish();
        Assert.Equal(remedy, Assert.Single(document.Errors).Remedy);
    }

    [Fact]
    public void A_key_that_is_set_already_is_not_proposed_before_one_that_is_missing()
    {
        var document = ConfigDocument.Parse("host: a\nhostt: b\noids: c\noidss: d\n", "f.yml");
        document.Root.Ignore("host", "hosts", "oids", "oids_exclude");
        document.Finish();
        Assert.Equal(["did you mean `hosts`?", "did you mean `oids`?"], document.Errors.Select(e => e.Remedy));
    }

    [Fact]
    public void Sections_come_as_maps_and_lists_in_the_order_of_the_file()
    {
        var document = ConfigDocument.Parse("m:\n  b: {v: 1}\n  a:\n  c: 5\nl:\n  - v: 2\n  - x\n", "f.yml");
        var map = document.Root.SectionMap("m")!;
        Assert.Equal(["b", "a"], map.Select(s => s.Name));
        Assert.Equal(["m.b", "m.a"], map.Select(s => s.Path));
        Assert.Equal(1, map[0].Int32("v"));
        Assert.Null(map[1].Int32("v"));
        var list = document.Root.SectionList("l")!;
        Assert.Equal("l[0]", Assert.Single(list).Path);
        Assert.Equal(2, list[0].Int32("v"));
        Assert.Null(document.Root.SectionMap("absent"));
        document.Finish();
        Assert.Equal(
            [
                "f.yml:4:6: error: `c` is '5', expected a section (write its keys indented below it)",
                "f.yml:7:5: error: `1` is 'x', expected a section (write its keys indented below it)",
            ],
            document.Errors.Select(e => e.ToString()));
    }

    [Fact]
    public void A_section_without_keys_is_there_and_empty_and_says_so()
    {
        var document = ConfigDocument.Parse("standalone:\nreplicator: {}\n", "f.yml");
        Assert.True(document.Root.IsNull("standalone"));
        Assert.False(document.Root.IsNull("replicator"));
        Assert.True(document.Root.Has("standalone"));
        Assert.False(document.Root.Has("collector"));
        Assert.NotNull(document.Root.Section("standalone"));
        Assert.NotNull(document.Root.Section("replicator"));
        Assert.Null(document.Root.Section("collector"));
        document.Root.Require("standalone");
        Assert.Equal("f.yml:1:1: error: `standalone` has no value (write one behind the colon)", Assert.Single(document.Errors).ToString());
    }

    [Fact]
    public void A_role_reports_findings_of_its_own_at_the_values()
    {
        var document = ConfigDocument.Parse("config:\n  a: 5\n  m:\n    'x/y': {}\n", "f.yml");
        var config = document.Root.Section("config")!;
        config.Error("a", "`a` is odd", "use 4", "ZF-1200");
        config.SectionMap("m")![0].Error(null, "a mailbox cannot hold a slash", "rename it");
        config.Warning("b", "`b` is not set, so values may be lost", "set it");
        Assert.Equal(
            ["f.yml:2:6: error: `a` is odd (use 4)", "f.yml:4:5: error: a mailbox cannot hold a slash (rename it)"],
            document.Errors.Select(e => e.ToString()));
        Assert.Equal("ZF-1200", document.Errors[0].Code);
        Assert.Equal("f.yml:1:1: warning: `b` is not set, so values may be lost (set it)", Assert.Single(document.Warnings).ToString());
    }

    [Fact]
    public void Anchors_aliases_and_merges_share_settings_between_mailboxes()
    {
        var document = ConfigDocument.Parse(
            """
            common: &common
              keep: 1d
              queue_size: 512
            mailboxes:
              a: *common
              b: {<<: *common, keep: 2d}
              c: {<<: [{keep: 3d}, *common]}
            """,
            "f.yml");
        document.Root.Ignore("common");
        var mailboxes = document.Root.SectionMap("mailboxes")!;
        Assert.Equal([1.0, 2, 3], mailboxes.Select(m => m.Duration("keep")!.Value.TotalDays));
        Assert.Equal([512, 512, 512], mailboxes.Select(m => m.Int32("queue_size")!.Value));
        document.Finish();
        Assert.Empty(document.Errors);
    }

    [Fact]
    public void Aliases_that_multiply_end_at_the_limit_at_once()
    {
        var text = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var level = 1; level < 12; level++)
        {
            var aliases = string.Join(", ", Enumerable.Repeat($"*a{level - 1}", 10));
            text.Append($"a{level}: &a{level} [{aliases}]\n");
        }

        var watch = Stopwatch.StartNew();
        var document = ConfigDocument.Parse(text.ToString(), "f.yml");
        Assert.Equal("more than 250000 values, aliases included", Assert.Single(document.Errors).Message);
        Assert.Equal(ConfigCodes.Limit, document.Errors[0].Code);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"took {watch.Elapsed}");
    }

    [Fact]
    public void Merges_that_multiply_end_at_the_limit_too()
    {
        var text = new StringBuilder("m0: &m0 {");
        text.AppendJoin(", ", Enumerable.Range(0, 1000).Select(n => $"k{n}: 1")).Append("}\n");
        for (var level = 1; level < 1000; level++)
        {
            text.Append($"m{level}: &m{level} {{<<: *m{level - 1}}}\n");
        }

        var document = ConfigDocument.Parse(text.ToString(), "f.yml");
        Assert.Equal("more than 250000 values, aliases included", Assert.Single(document.Errors).Message);
    }

    [Theory]
    [InlineData("[", "nested deeper than 32 levels")]
    [InlineData("{a: ", "nested deeper than 32 levels")]
    [InlineData("- ", "nested deeper than 32 levels")]
    public void Depth_is_bounded(string opening, string message)
    {
        var document = ConfigDocument.Parse("k:\n  " + string.Concat(Enumerable.Repeat(opening, 200_000)), "f.yml");
        Assert.Equal(message, Assert.Single(document.Errors).Message);
    }

    [Fact]
    public void Depth_is_bounded_through_aliases_as_well()
    {
        var text = new StringBuilder("a0: &a0 {v: 1}\n");
        for (var level = 1; level < 40; level++)
        {
            text.Append($"a{level}: &a{level} {{v: *a{level - 1}}}\n");
        }

        Assert.Equal("aliases nest deeper than 32 levels", Assert.Single(ConfigDocument.Parse(text.ToString(), "f.yml").Errors).Message);
    }

    [Fact]
    public void The_number_of_findings_is_bounded()
    {
        var document = ConfigDocument.Parse(string.Concat(Enumerable.Range(0, 50_000).Select(n => $"key{n}: 1\n")), "f.yml");
        document.Root.Ignore("something_else_entirely");
        document.Finish();
        Assert.Equal(1000, document.Errors.Count);
    }

    [Fact]
    public void A_large_text_is_refused_before_it_is_read()
    {
        var document = ConfigDocument.Parse(new string('#', (4 << 20) + 1), "f.yml");
        Assert.Equal("f.yml:1:1: error: the file is larger than 4 MiB (split it)", Assert.Single(document.Errors).ToString());
    }

    [Fact]
    public void Hostile_bytes_give_findings_and_never_an_exception()
    {
        const string Alphabet = "ab:- \n\t[]{}&*!|>'\"%@`#,?<\\0x_~\ufeff\0\u0085\ud800";
        var random = new Random(42);
        for (var round = 0; round < 30_000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            try
            {
                var document = ConfigDocument.Parse(text, "f.yml");
                foreach (var key in document.Root.Keys.Where(k => k.Length > 0))
                {
                    document.Root.Strings(key);
                    document.Root.Section(key);
                }

                document.Finish();
                Assert.All(document.Errors, e => Assert.True(e is { Line: > 0, Column: > 0 }, e.ToString()));
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed 42, round {round}, text {System.Text.Json.JsonSerializer.Serialize(text)}: {e}");
            }
        }
    }

    [Fact]
    public void A_file_is_loaded_with_paths_relative_to_its_folder()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["svc.yml"], "path: spool\n");
        var document = ConfigDocument.Load(folder["svc.yml"]);
        Assert.Equal(folder["spool"], document.Root.FilePath("path"));
        Assert.Equal(folder["svc.yml"], document.FileName);
        Assert.True(document.IsValid);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_a_finding()
    {
        using var folder = new TempFolder();
        Assert.Equal(ConfigCodes.Unreadable, Assert.Single(ConfigDocument.Load(folder["none.yml"]).Errors).Code);
        Assert.Equal(ConfigCodes.Unreadable, Assert.Single(ConfigDocument.Load(folder.Path).Errors).Code);
        File.WriteAllBytes(folder["latin.yml"], [.. "a: 1\nb: x"u8, 0xe9, .. "\n"u8]);
        Assert.Equal($"{folder["latin.yml"]}:2:5: error: the text is not UTF-8 (save the file as UTF-8)", Assert.Single(ConfigDocument.Load(folder["latin.yml"]).Errors).ToString());
        File.WriteAllBytes(folder["large.yml"], new byte[(4 << 20) + 1]);
        Assert.Equal(ConfigCodes.Limit, Assert.Single(ConfigDocument.Load(folder["large.yml"]).Errors).Code);
        Assert.Equal(ConfigCodes.Limit, Assert.Single(ConfigDocument.Load("/dev/zero").Errors).Code);
    }
}
