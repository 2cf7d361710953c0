//! Every scenario, once.

/// Scenarios that run in every shape.
macro_rules! everywhere {
    ($shape:ident) => {
        $crate::shapes::list::tests! { $shape
            [stories] {
                a_story_of_budgets
                a_story_of_commands
                a_story_of_definitions
                a_story_of_people
                a_story_of_private_workspace
                a_story_of_repeated_session
                a_story_of_tasks
                a_story_of_tools
                a_story_of_why
                a_story_of_why_tools
            }
            [control::codes] {
                a_batch_says_by_its_exit_code_how_it_ended
                an_id_that_begins_several_ids_is_asked_about
            }
            [control::delete] {
                what_is_deleted_before_its_turn_is_never_answered
                what_is_deleted_during_its_turn_is_stopped
                what_is_deleted_after_its_answer_is_erased_with_it
                nobody_deletes_what_is_not_there
            }
            [control::edit] {
                an_edit_during_the_turn_takes_its_place_where_the_context_says_so
                an_edit_after_the_answer_is_noted_and_answered_no_second_time
            }
            [control::files] {
                a_log_that_was_edited_while_the_node_was_away_is_set_aside
                a_log_that_is_edited_while_the_node_runs_is_set_aside_with_the_next_entry
                a_definition_that_is_edited_is_in_force_with_the_next_message
            }
            [control] {
                stop_ends_the_turn_that_runs_and_the_next_one_begins
                nobody_but_an_operator_stops_another_persons_turn
                what_was_said_before_new_is_not_given_to_the_model
                a_turn_that_takes_longer_than_allowed_fails_and_says_so
                a_reply_waits_until_its_client_is_back
            }
            [isolation::ids] {
                a_task_of_another_context_or_workspace_is_as_one_that_is_not_there
                a_model_can_t_make_its_task_wait_for_one_of_another_context_or_workspace
                tasks_are_steered_by_who_asked_for_them
            }
            [isolation::open] {
                its_own_files_log_and_memory_open
            }
            [isolation::prompts] {
                a_prompt_holds_the_words_of_its_own_context_alone
                words_that_are_under_way_in_one_context_are_in_no_prompt_of_another
                whom_a_place_does_not_admit_puts_no_words_into_its_prompts_also_after_a_restart
            }
            [isolation::search] {
                its_own_log_and_memory_are_found_and_nothing_of_others_is
                no_query_however_made_gives_what_another_has
                whom_a_place_does_not_admit_puts_no_words_before_its_own_people
                the_same_words_in_one_context_and_another_by_turns_give_each_its_own
            }
            [isolation::status] {
                commands_tell_of_their_own_context_alone
                a_day_s_budget_that_others_used_up_is_told_without_numbers_of_the_node
                a_day_s_budget_that_others_used_up_is_told_without_numbers_of_the_workspace
            }
            [isolation::tools] {
                a_model_s_task_can_name_no_other_context
            }
            [work::budgets] {
                a_budget_of_nothing_asks_no_model_that_costs
            }
            [work::erased] {
                the_words_of_a_task_that_runs_go_with_its_message
                the_words_of_a_task_that_waits_go_with_its_message
                the_words_of_a_task_that_has_ended_go_with_its_message
            }
            [work::known_failures] {
                follow_ups_that_were_queued_at_a_kill_are_answered_after_it
                follow_ups_that_were_queued_at_a_stop_are_answered_after_it
                the_words_of_a_task_that_ended_while_nobody_was_there_are_delivered_to_who_comes
                what_failed_swallows_nothing_that_comes_after_it
                work_that_goes_in_a_circle_ends_by_its_limits_and_its_budget
            }
            [work::memory] {
                a_model_that_fails_holds_nobody_up_and_costs_what_it_costs
            }
            [work::models] {
                a_context_that_allows_no_model_of_the_route_is_told_so
            }
            [work::records] {
                records_that_were_not_written_before_a_kill_are_written_after_it
            }
            [work::times] {
                one_that_is_not_begun_in_time_has_expired
                at_its_deadline_a_task_has_expired_whatever_it_does
                a_task_whose_model_hangs_is_cancelled_at_once
                one_that_depends_on_a_task_which_does_not_succeed_is_cancelled_unless_it_runs_all_the_same
            }
        }
    };
}

/// Scenarios that run in every shape but the one in which nodes are killed, with the reason.
macro_rules! unless_killed {
    ($shape:ident) => {
        $crate::shapes::list::tests! { $shape
            // A reply that waits goes to whoever of its chat is attached first.
            [control] {
                of_two_clients_in_one_chat_each_gets_its_own_replies
            }
            // A model's calls are counted, and a turn that was cut off asks again.
            [control] {
                what_waited_longer_than_its_context_allows_is_not_begun
            }
            [work::models] {
                the_next_model_of_a_route_answers_for_one_that_has_too_much_to_do
                the_next_model_of_a_route_answers_for_one_that_the_plan_does_not_hold
                the_next_model_of_a_route_answers_for_one_whose_key_is_refused
            }
            // The connection itself is what it is about.
            [control::codes] {
                a_reply_of_which_nobody_said_that_it_came_is_in_doubt_and_is_not_sent_again
            }
            // What was spent is told to the cent; a turn that was cut off costs twice.
            [stories] {
                a_story_of_usage
            }
            // A question that is asked again after a kill finds itself in its own log.
            [stories] {
                a_story_of_first_steps
            }
            // A turn that was cut off may be answered before the edit that waits behind it is looked at.
            [control::edit] {
                an_edit_before_the_turn_replaces_the_words
                an_edit_during_the_turn_follows_it
            }
            // A call that was cut off is charged, and all of the budget may go to such.
            [work::budgets] {
                a_task_whose_budget_ends_waits_says_so_and_goes_on_when_it_is_given_once_more
                the_day_s_budget_ends_for_a_context
                the_day_s_budget_ends_for_a_workspace
                the_day_s_budget_ends_for_the_node
                calls_at_once_do_not_go_beyond_a_budget_together
            }
            // It counts how often a task was tried, and one whose node was lost is tried again.
            [work::times] {
                one_whose_step_takes_too_long_is_tried_again_and_then_given_up
                one_whose_run_takes_too_long_is_tried_again_and_then_given_up
            }
            // That a model failed is an alarm of the process that saw it.
            [work::models] {
                an_account_without_credit_parks_work_and_is_an_alarm_until_a_model_answers_again
                a_key_that_is_refused_fails_work_at_once_and_is_an_alarm
            }
            // The model is scripted call by call, and what was cut off asks again.
            [work::models] {
                a_quota_parks_a_task_until_it_is_reset_and_it_goes_on_by_itself
                a_rate_limit_is_waited_out_as_long_as_the_provider_says
            }
            [work::times] {
                subtasks_end_with_the_task_they_are_part_of
            }
            // A task whose node is lost five times is given up.
            [work::records] {
                a_record_follows_its_task_and_one_that_was_edited_is_set_aside
            }
            // It counts how often a task's node was lost.
            [work::restarts] {
                a_node_that_is_stopped_in_good_order_is_not_held_to_be_lost_under_its_tasks
                tasks_go_on_after_a_kill_wherever_they_were
                tasks_go_on_after_a_stop_wherever_they_were
            }
            // It asks a thousand questions, each of which waits for nodes.
            [isolation::open] {
                a_path_with_words_of_another_is_opened_as_one_with_words_of_nobody
                what_another_has_is_opened_as_what_is_not_there
            }
            // It asks hundreds of questions, each of which waits for nodes.
            [isolation::tools] {
                a_model_searches_and_lists_within_its_context
                what_another_has_is_given_to_a_model_as_what_is_not_there
            }
            // It asks hundreds of questions, each of which waits for nodes.
            [isolation::policies] {
                no_policy_no_person_and_no_command_shows_what_is_out_of_reach
            }
            // Tasks whose node is lost five times are given up, and their ends are counted.
            [work::settle] {
                two_hundred_tasks_of_twenty_workspaces_end_as_their_models_let_them
            }
            // A worker that takes a workspace over makes its index anew, and says so.
            [isolation::status] {
                whatever_others_have_and_do_changes_no_word_of_a_status
            }
            // A worker that takes a workspace over makes its index anew, and says so.
            [isolation::search] {
                what_another_has_is_searched_for_as_what_nobody_has
                files_are_counted_within_reach
            }
            // Memory is looked at when a turn ends; after a kill in between, when the next one does.
            [work::memory] {
                a_conversation_goes_into_memory_once_and_stands_in_its_own_prompts_alone
                what_people_write_stays_and_what_they_forget_is_gone
                a_message_that_is_deleted_leaves_memory_and_the_data_folder
            }
            // A call that was cut off is charged as it was reserved, and to no model.
            [work::budgets] {
                what_was_spent_adds_up
            }
            // It asks hundreds of questions, each of which waits for nodes.
            [isolation::ids] {
                an_id_of_another_is_as_one_that_nobody_has_be_it_whole_or_its_beginning
            }
        }
    };
}

/// What is said on the way of a message between actors in one process, once more in the form that it has between nodes.
macro_rules! in_wire_form {
    () => {
        $crate::shapes::list::tests! { WireForm
            [stories] {
                a_story_of_budgets
                a_story_of_commands
                a_story_of_definitions
                a_story_of_first_steps
                a_story_of_people
                a_story_of_private_workspace
                a_story_of_repeated_session
                a_story_of_tasks
                a_story_of_tools
                a_story_of_usage
                a_story_of_why
                a_story_of_why_tools
            }
            [control::delete] {
                what_is_deleted_before_its_turn_is_never_answered
                what_is_deleted_during_its_turn_is_stopped
                what_is_deleted_after_its_answer_is_erased_with_it
            }
            [control::edit] {
                an_edit_before_the_turn_replaces_the_words
                an_edit_during_the_turn_follows_it
                an_edit_during_the_turn_takes_its_place_where_the_context_says_so
            }
        }
    };
}

/// A test of each.
macro_rules! tests {
    ($shape:ident $($module:tt { $($name:ident)* })*) => {
        $($( $crate::shapes::list::test! { $shape $module $name } )*)*
    };
}

macro_rules! test {
    ($shape:ident [$($module:tt)*] $name:ident) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            crate::$($module)*::$name(tests::deployment::Shape::$shape).await;
        }
    };
}

pub(crate) use {everywhere, in_wire_form, test, tests, unless_killed};
