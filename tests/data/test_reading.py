from pryproof.data.reading import shown, some


def test_nothing_shown_can_move_a_cursor_break_a_line_or_turn_the_reading_direction():
    for text in ("a\nb", "\x1b[2J", "\u202egnp.exe", "\udcff", "\x00"):
        assert shown(text).isprintable()


def test_letters_of_every_script_stay_and_different_names_stay_different():
    assert shown("Кот_日本.png") == "Кот_日本.png"
    assert shown("a\n") != shown("a\\n")


def test_some_names_all_where_they_are_few():
    assert some(["a", "b"]) == "a, b"
    assert some([str(number) for number in range(9)]) == "0, 1, 2, 3, 4 and 4 more"
